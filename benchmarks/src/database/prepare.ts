import postgres from 'postgres'
import { launchServer, type TestServer } from '@plinth/testing'
import { parentOf } from '../measure/postgres-cpu.ts'
import type { BenchTenant } from '../servers/messages.ts'
import { addBenchLogins, addBenchTables, exemptLogin, securedLogin } from './bench-tables.ts'
import { foundTenants } from './platform.ts'
import { seedProjects } from './seed.ts'
import { benchTenants } from './tenants.ts'

/** A PostgreSQL server of our own with a filled database to copy. */
export interface Prepared {
  readonly version: string
  /** Where the server's binaries come from. */
  readonly source: string
  readonly postmaster: number
  readonly tenants: readonly BenchTenant[]
  readonly ids: ReadonlyMap<string, readonly string[]>
  /** Copies the filled database; every server has its own, so that no one's writes grow another one's table. */
  copy(name: string): Promise<DatabaseUrls>
  /** Vacuums and analyses a database, and writes what is dirty to the disk. */
  tidy(urls: DatabaseUrls): Promise<void>
  stop(): Promise<void>
}

export interface DatabaseUrls {
  /** Superuser. */
  readonly owner: string
  readonly exempt: string
  readonly secured: string
  readonly app: string
}

const settings = [
  // What production has: a commit is on the disk before it is answered. Ours, because launchServer is made for tests.
  'synchronous_commit=on',
  'shared_buffers=256MB',
  // Nothing of its own accord in the middle of a run: we vacuum once and take checkpoints between runs.
  'autovacuum=off',
  'checkpoint_timeout=1h',
  'max_wal_size=8GB',
]
const template = 'bench_template'

export async function prepareDatabase(say: (words: string) => void): Promise<Prepared> {
  // Never TEST_DATABASE_URL: its settings and its neighbours are unknown, and /proc of another machine cannot be read.
  const server = await launchServer({ own: true, fsync: true, fullPageWrites: true, settings })
  const admin = connectAdmin(server.url)
  try {
    say('migrating and filling the database')
    await addBenchLogins(admin)
    await admin`create database ${admin(template)} template template0`
    const filled = await fill(urlsOf(server.url, template))
    const [row] = await admin<
      { pid: number; version: string }[]
    >`select pg_backend_pid() pid, current_setting('server_version') version`
    return {
      ...filled,
      version: row!.version,
      source: server.source,
      postmaster: parentOf(row!.pid),
      async copy(name) {
        await admin`create database ${admin(name)} template ${admin(template)}`
        return urlsOf(server.url, name)
      },
      async tidy(urls) {
        const sql = connectAdmin(urls.owner)
        await sql`vacuum (analyze)`
        await sql`checkpoint`
        await sql.end()
      },
      stop: () => stop(server, admin),
    }
  } catch (error) {
    await stop(server, admin)
    throw error
  }
}

async function fill(urls: DatabaseUrls): Promise<Pick<Prepared, 'tenants' | 'ids'>> {
  const founded = await foundTenants(urls)
  const sql = connectAdmin(urls.owner)
  try {
    await addBenchTables(sql)
    const ids = await seedProjects(sql, founded)
    await sql`vacuum (analyze)`
    return { tenants: benchTenants(founded), ids }
  } finally {
    await sql.end()
  }
}

async function stop(server: TestServer, admin: postgres.Sql): Promise<void> {
  await admin.end({ timeout: 2 })
  await server.stop()
}

function connectAdmin(url: string): postgres.Sql {
  return postgres(url, { max: 1, onnotice: () => undefined })
}

function urlsOf(serverUrl: string, database: string): DatabaseUrls {
  const as = (user: string): string => {
    const url = new URL(serverUrl)
    url.pathname = `/${database}`
    url.username = user
    return url.href
  }
  return { owner: as('postgres'), exempt: as(exemptLogin), secured: as(securedLogin), app: as('plinth_app') }
}
