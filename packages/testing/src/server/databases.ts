import { createHash, randomBytes } from 'node:crypto'
import postgres from 'postgres'

export interface TestDatabase {
  /** The superuser's URL of this database. `loginUrl` gives that of another role. */
  readonly url: string
  readonly name: string
  /** Ends its connections and removes it. */
  drop(): Promise<void>
}

/** Held while a template is made: one lock for all templates, because preparing one may create roles of the whole cluster. */
const templateLock = 7_041_989

/**
 * Creates an empty database, or a copy of `template` (about 0.1 s), on the server of the tests.
 * @param serverUrl a superuser's URL, usually `inject('postgresUrl')`
 */
export async function createDatabase(
  serverUrl: string,
  options: { readonly template?: string } = {},
): Promise<TestDatabase> {
  const name = `plinth_test_${randomBytes(8).toString('hex')}`
  await onServer(serverUrl, async (sql) => {
    await sql.unsafe(`create database ${quoted(name)} template ${quoted(options.template ?? 'template0')}`)
  })
  return {
    url: databaseUrl(serverUrl, name),
    name,
    drop: () =>
      onServer(serverUrl, async (sql) => {
        await sql.unsafe(`drop database if exists ${quoted(name)} with (force)`)
      }),
  }
}

/**
 * A database of its own for a test file, cloned from a template that is made once per key: migrating takes seconds, cloning
 * 0.1 s. All test files of a run may ask at once; one prepares, the others wait.
 * @param key everything that `prepare` depends on, for instance the text of the migrations: another key, another template
 * @param prepare fills the template, given its superuser URL; it must close its connections before it returns
 */
export async function templateDatabase(
  serverUrl: string,
  key: string,
  prepare: (url: string) => Promise<void>,
): Promise<TestDatabase> {
  const template = `plinth_template_${createHash('sha256').update(key).digest('hex').slice(0, 32)}`
  await onServer(serverUrl, async (sql) => {
    // Exists only when it is complete: it gets this name after `prepare`. So the lock is not needed to clone it.
    if (await exists(sql, template)) return
    await sql.unsafe('select pg_advisory_lock($1::int8)', [templateLock])
    if (await exists(sql, template)) return
    await makeTemplate(serverUrl, sql, template, prepare)
    // The lock ends with this connection.
  })
  return createDatabase(serverUrl, { template })
}

/**
 * Creates a role if it is missing and sets what it may do. Roles belong to the whole cluster, and test files run at once:
 * the loser of a race gets 42710 or 23505 for the same role, which is what was wanted.
 * @param attributes SQL after `create role <name>`, for instance `login noinherit`
 */
export async function ensureRole(serverUrl: string, name: string, attributes = ''): Promise<void> {
  await onServer(serverUrl, async (sql) => {
    const [found] = await sql.unsafe('select 1 from pg_roles where rolname = $1::text', [name])
    if (found) return
    await sql.unsafe(`create role ${quoted(name)} ${attributes}`).catch((error: unknown) => {
      if (!hasCode(error, ['42710', '23505'])) throw error
    })
  })
}

/** The same database for another login. The server of `launchServer` trusts every login; TEST_DATABASE_URL may not. */
export function loginUrl(url: string, role: string, password = ''): string {
  const changed = new URL(url)
  changed.username = encodeURIComponent(role)
  changed.password = encodeURIComponent(password)
  return changed.href
}

async function makeTemplate(
  serverUrl: string,
  sql: postgres.Sql,
  template: string,
  prepare: (url: string) => Promise<void>,
): Promise<void> {
  const unfinished = `${template}_new`
  // Left behind by a process that was killed while it prepared.
  await sql.unsafe(`drop database if exists ${quoted(unfinished)} with (force)`)
  await sql.unsafe(`create database ${quoted(unfinished)} template template0`)
  await prepare(databaseUrl(serverUrl, unfinished))
  try {
    // Waits up to 5 s for connections that are just closing.
    await sql.unsafe(`alter database ${quoted(unfinished)} rename to ${quoted(template)}`)
  } catch (error) {
    if (!hasCode(error, ['55006'])) throw error
    throw new Error('The callback that prepares the template left connections open: close them before it returns', {
      cause: error,
    })
  }
}

async function exists(sql: postgres.Sql, name: string): Promise<boolean> {
  const found = await sql.unsafe('select 1 from pg_database where datname = $1::text', [name])
  return found.length > 0
}

async function onServer<T>(serverUrl: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(serverUrl, { max: 1, fetch_types: false, prepare: false, onnotice: () => undefined })
  try {
    return await work(sql)
  } finally {
    await sql.end({ timeout: 5 })
  }
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return url.href
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
