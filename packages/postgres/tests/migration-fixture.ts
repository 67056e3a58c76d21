import { randomBytes } from 'node:crypto'
import {
  defineResource,
  readDeclaration,
  StartupError,
  type AnyResourceTable,
  type Feature,
  type Finding,
  type Logger,
  type Registry,
  type StartupFault,
} from '@plinth/core'
import type {} from '../../testing/src/server/vitest-global-setup.ts'
import { createDatabase, loginUrl } from '../../testing/src/server/databases.ts'
import { checkCatalog } from '../src/catalog/check-catalog.ts'
import { asFaults } from '../src/catalog/fault.ts'
import { inspectCatalog } from '../src/catalog/inspect-catalog.ts'
import type { Connection, Driver, RawRow } from '../src/drivers/driver.ts'
import { dumpDataDir, pgliteDrivers } from '../src/drivers/pglite.ts'
import { postgresJsDriver } from '../src/drivers/postgres-js.ts'
import { migrateDatabase, type MigrateDatabaseOptions } from '../src/migrate/migrate-database.ts'
import { roleNames, type RoleNames } from '../src/roles/role-names.ts'

/*
 * Empty databases of both engines for the tests of migrations. Each has roles of its own: roles belong to the cluster, and a
 * test that plants BYPASSRLS must not let another test file see every tenant.
 */

export const password = 'a password, quoted: \'"\\ é'

export interface Subject {
  readonly engine: 'PostgreSQL' | 'PGlite'
  readonly prefix: string
  readonly roles: RoleNames
  /** The migrating login, a superuser. */
  readonly owner: Driver
  readonly app: Driver
  readonly system: Driver
  /** The superuser's URL; empty on PGlite. */
  readonly url: string
  /** A connection as another login. PostgreSQL only. */
  login(role: string, password?: string): Driver
  close(): Promise<void>
}

export function serverDriver(url: string, max = 2): Driver {
  return postgresJsDriver(url, {
    max,
    applicationName: 'migration test',
    prepare: false,
    statementTimeoutMs: 60_000,
    connectTimeoutSeconds: 10,
  })
}

export async function onServer(serverUrl: string, prefix = `t${randomBytes(6).toString('hex')}_`): Promise<Subject> {
  const roles = roleNames(prefix)
  const database = await createDatabase(serverUrl)
  const drivers: Driver[] = []
  const open = (url: string): Driver => {
    const driver = serverDriver(url)
    drivers.push(driver)
    return driver
  }
  const owner = open(database.url)
  return {
    engine: 'PostgreSQL',
    prefix,
    roles,
    owner,
    url: database.url,
    app: open(loginUrl(database.url, roles.app, password)),
    system: open(loginUrl(database.url, roles.system, password)),
    login: (role, given = '') => open(loginUrl(database.url, role, given)),
    async close() {
      await Promise.all(drivers.map((driver) => driver.close()))
      await database.drop()
      await dropRoles(serverUrl, prefix)
    },
  }
}

/** A server of TEST_DATABASE_URL goes on living. */
async function dropRoles(serverUrl: string, prefix: string): Promise<void> {
  if (prefix === 'plinth_') return
  const driver = serverDriver(serverUrl, 1)
  const rows = await driver.query('select rolname::text as name from pg_roles where starts_with(rolname, $1::text)', [
    prefix,
  ])
  for (const row of rows) await driver.query(`drop role if exists "${String(row['name'])}"`).catch(() => undefined)
  await driver.close()
}

let fresh: Blob | undefined

/** A new PGlite takes 1.2 s (5 s and more on a busy machine), one loaded from a dump 0.3 s. */
export async function onPGlite(): Promise<Subject> {
  const prefix = 'plinth_'
  const drivers = await pgliteDrivers({
    dataDir: 'memory://',
    rolePrefix: prefix,
    ...(fresh && { loadDataDir: fresh }),
  })
  fresh ??= await dumpDataDir(drivers)
  return {
    engine: 'PGlite',
    prefix,
    roles: roleNames(prefix),
    owner: await drivers.owner(),
    app: drivers.app,
    system: await drivers.system(),
    url: '',
    login() {
      throw new Error('PGlite has one session')
    },
    close: () => drivers.close(),
  }
}

export const silentLog: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
}

export function registryOf(tables: readonly AnyResourceTable[], features: readonly Feature[] = []): Registry {
  const faults: StartupFault[] = []
  const registry = readDeclaration(
    tables.map((table) => defineResource({ table })),
    features,
    faults,
  )
  if (faults.length > 0) throw new StartupError(faults)
  return registry
}

export const emptyRegistry = registryOf([])

export function migrate(
  subject: Subject,
  registry: Registry,
  options: Partial<MigrateDatabaseOptions> = {},
): ReturnType<typeof migrateDatabase> {
  return migrateDatabase({
    owner: subject.owner,
    registry,
    rolePrefix: subject.prefix,
    appLogin: { user: subject.roles.app, password },
    systemPassword: password,
    log: silentLog,
    ...options,
  })
}

export async function check(
  subject: Subject,
  registry: Registry,
  driver = subject.app,
): Promise<readonly StartupFault[]> {
  return asFaults(await checkCatalog({ driver, registry, rolePrefix: subject.prefix }))
}

export function inspect(subject: Subject, registry: Registry, driver = subject.app): Promise<readonly Finding[]> {
  return inspectCatalog({ driver, registry, rolePrefix: subject.prefix })
}

export const tenants = ['aaaaaaaa-0000-4000-8000-000000000001', 'bbbbbbbb-0000-4000-8000-000000000002'] as const

/** What the pipeline does: one tenant for one transaction. */
export function inTenant<T>(driver: Driver, tenant: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  return driver.transaction(async (connection) => {
    await connection.query(`select set_config('plinth.tenant', $1::text, true)`, [tenant])
    return work(connection)
  })
}

export async function rowsOf(driver: Connection, sql: string): Promise<readonly RawRow[]> {
  return driver.query(sql)
}

/** The SQLSTATE that a statement fails with; `ok` where it does not. */
export async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'ok'
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}

/** Records every DDL statement from now on; the result reads what was recorded. Event triggers fire for superusers too. */
export async function watchDdl(owner: Driver): Promise<() => Promise<readonly string[]>> {
  await owner.script(`
    create schema ddl_watch;
    grant usage on schema ddl_watch to public;
    create table ddl_watch.log (command text);
    grant insert on ddl_watch.log to public;
    create function ddl_watch.note() returns event_trigger language plpgsql as $$ begin insert into ddl_watch.log values (tg_tag); end $$;
    create event trigger ddl_watch on ddl_command_start execute function ddl_watch.note();`)
  return async () => (await owner.query('select command from ddl_watch.log')).map((row) => String(row['command']))
}
