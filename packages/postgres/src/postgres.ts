import { StartupError, type Database, type StartupFault } from '@plinth/core'
import { databaseFrom } from './database.ts'
import type { DatabaseOptions } from './database-options.ts'
import { NO_TENANT_PATH } from './isolation/search-path.ts'
import type { Isolation } from './isolation/tenant-schema.ts'
import type { Driver, Drivers, PoolUse } from './drivers/driver.ts'
import { openConnection, postgresJsDriver, type PostgresJsOptions } from './drivers/postgres-js.ts'
import { systemPassword, systemUrl } from './system-login.ts'

export interface PostgresOptions {
  /** The login that migrates. Default: DATABASE_OWNER_URL. Only `migrate()` uses it. */
  readonly ownerUrl?: string | undefined
  /** The login of the system role. Default: DATABASE_SYSTEM_URL, else derived from the runtime login. */
  readonly systemUrl?: string | undefined
  /** The server itself where `url` is PgBouncer in transaction mode; the relay leads by a lock there. Default: DATABASE_DIRECT_URL. */
  readonly directUrl?: string | undefined
  /** Connections of this process as the runtime login. Default 10. */
  readonly max?: number | undefined
  /** What the names of the roles begin with. Default `plinth_`. */
  readonly rolePrefix?: string | undefined
  /**
   * `schema`: each tenant's product tables lie in a PostgreSQL schema of its own, beside the query's condition and row-level
   * security. Default `shared`. When to choose which: docs/tenancy.md.
   */
  readonly isolation?: Isolation | undefined
  /** `url` is PgBouncer in transaction mode: nothing is prepared, and no setting is sent at connecting that it would refuse. */
  readonly pgbouncer?: boolean | undefined
  /** The server's limit for one statement. Default 30,000. */
  readonly statementTimeoutMs?: number | undefined
}

/** `asSystem`, founding tenants, the relay and jobs: few and short, but for those that two leaders hold. */
const SYSTEM_CONNECTIONS = 6
/** One each holds the lock of a leader, one works. */
const RELAY_CONNECTIONS = 3
const STATEMENT_TIMEOUT_MS = 30_000
const CONNECT_TIMEOUT_SECONDS = 10

/**
 * PostgreSQL 15 or newer. Nothing is connected before the first statement.
 * @param url the runtime login, `postgres://plinth_app:…@host/database`; unset or empty is a fault at start
 */
export function postgres(url: string | undefined, options: PostgresOptions = {}): Database {
  const settings = withEnvironment(options)
  const rolePrefix = settings.rolePrefix ?? 'plinth_'
  const faults = urlFaults(url, settings)
  if (faults.length > 0) return databaseFrom(brokenDrivers(faults), { kind: 'postgres', faults, rolePrefix })
  const runtimeUrl = url ?? ''
  const login = new URL(runtimeUrl)
  const password = decodeURIComponent(login.password)
  const drivers = postgresDrivers(runtimeUrl, settings)
  const relay = relayConnections(runtimeUrl, settings)
  const close = async (): Promise<void> => {
    await Promise.all([drivers.close(), relay.close()])
  }
  const pools = (): readonly PoolUse[] => [...(drivers.pools?.() ?? []), ...relay.pools()]
  return databaseFrom(
    { ...drivers, pools, close },
    {
      kind: 'postgres',
      rolePrefix,
      isolation: settings.isolation ?? 'shared',
      appLogin: { user: decodeURIComponent(login.username), ...(password !== '' && { password }) },
      ...(settings.systemUrl === undefined && password !== '' && { systemPassword: systemPassword(password) }),
      relayDriver: () => relay.open(),
      listen: listenTo(runtimeUrl, settings),
    },
  )
}

/** Undefined behind PgBouncer in transaction mode where the server itself is not known: it says yes to LISTEN, and no message ever comes. */
function listenTo(url: string, options: PostgresOptions): DatabaseOptions['listen'] {
  const { directUrl, pgbouncer = false } = options
  if (pgbouncer && directUrl === undefined) return undefined
  const target = directUrl === undefined ? url : withLoginOf(directUrl, url)
  const settings = { ...common({ ...options, pgbouncer: false }), max: 1, applicationName: 'plinth notices' }
  return (onMessage) => openConnection(target, settings, onMessage)
}

/** The drivers behind `postgres()`, unopened. */
export function postgresDrivers(url: string, options: PostgresOptions = {}): Drivers {
  const searchPath = options.isolation === 'schema' ? NO_TENANT_PATH : undefined
  const app = postgresJsDriver(url, {
    ...common(options),
    max: options.max ?? 10,
    applicationName: 'plinth',
    searchPath,
  })
  let probe: Driver | undefined
  let system: Driver | undefined
  let owner: Driver | undefined
  return {
    kind: 'postgres',
    app,
    system() {
      system ??= postgresJsDriver(options.systemUrl ?? systemUrl(url, options.rolePrefix ?? 'plinth_'), {
        ...common(options),
        max: SYSTEM_CONNECTIONS,
        applicationName: 'plinth system',
        searchPath,
        byIndexes: true,
      })
      return Promise.resolve(system)
    },
    owner() {
      if (options.ownerUrl === undefined) return Promise.reject(new StartupError([noOwner]))
      owner ??= postgresJsDriver(options.ownerUrl, {
        max: 2,
        applicationName: 'plinth migrate',
        prepare: false,
        statementTimeoutMs: 0,
        connectTimeoutSeconds: CONNECT_TIMEOUT_SECONDS,
      })
      return Promise.resolve(owner)
    },
    probe: () => (probe ??= postgresJsDriver(url, { ...common(options), max: 1, applicationName: 'plinth health' })),
    pools: () => [...useOf('app', app), ...useOf('system', system)],
    async close() {
      await Promise.all([app, probe, system, owner].map(async (driver) => driver?.close()))
    },
  }
}

/** On the server itself, past PgBouncer: it holds one transaction open for as long as it leads. */
function relayConnections(url: string, options: PostgresOptions): RelayConnections {
  const system = options.systemUrl ?? systemUrl(url, options.rolePrefix ?? 'plinth_')
  const target = options.directUrl === undefined ? system : withLoginOf(options.directUrl, system)
  const settings = options.directUrl === undefined ? options : { ...options, pgbouncer: false }
  let driver: Driver | undefined
  return {
    open() {
      driver ??= postgresJsDriver(target, {
        ...common(settings),
        max: RELAY_CONNECTIONS,
        applicationName: 'plinth relay',
        byIndexes: true,
      })
      return Promise.resolve(driver)
    },
    pools: () => useOf('relay', driver),
    close: async () => driver?.close(),
  }
}

interface RelayConnections {
  open(): Promise<Driver>
  pools(): readonly PoolUse[]
  close(): Promise<void>
}

function useOf(pool: string, driver: Driver | undefined): readonly PoolUse[] {
  const use = driver?.use?.()
  return use ? [{ pool, ...use }] : []
}

function withLoginOf(url: string, login: string): string {
  const changed = new URL(url)
  const { username, password } = new URL(login)
  changed.username = username
  changed.password = password
  return changed.href
}

function common(options: PostgresOptions): Omit<PostgresJsOptions, 'max' | 'applicationName'> {
  return {
    prepare: options.pgbouncer !== true,
    statementTimeoutMs: options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS,
    connectTimeoutSeconds: CONNECT_TIMEOUT_SECONDS,
    settings: options.pgbouncer === true ? 'role' : 'startup',
  }
}

/** Empty is unset: that is how compose files and CI write "not here". */
function withEnvironment(options: PostgresOptions): PostgresOptions {
  const { env } = process
  const ownerUrl = options.ownerUrl || env['DATABASE_OWNER_URL'] || undefined
  const systemUrlGiven = options.systemUrl || env['DATABASE_SYSTEM_URL'] || undefined
  const directUrl = options.directUrl || env['DATABASE_DIRECT_URL'] || undefined
  const { ownerUrl: _owner, systemUrl: _system, directUrl: _direct, ...rest } = options
  return {
    ...rest,
    ...(ownerUrl !== undefined && { ownerUrl }),
    ...(systemUrlGiven !== undefined && { systemUrl: systemUrlGiven }),
    ...(directUrl !== undefined && { directUrl }),
  }
}

const noOwner: StartupFault = {
  path: 'DATABASE_OWNER_URL',
  problem: 'is not set, and the runtime login may not change tables',
  fix: 'DATABASE_OWNER_URL=postgres://owner:…@host/database',
}

function urlFaults(url: string | undefined, options: PostgresOptions): readonly StartupFault[] {
  if (url === undefined || url === '') {
    return [
      {
        path: 'DATABASE_URL',
        problem: 'is not set',
        fix: "DATABASE_URL=postgres://plinth_app:…@host/database, or database: embedded('.plinth') where there is no server",
      },
    ]
  }
  const given = [
    ['DATABASE_URL', url],
    ['DATABASE_OWNER_URL', options.ownerUrl],
    ['DATABASE_SYSTEM_URL', options.systemUrl],
    ['DATABASE_DIRECT_URL', options.directUrl],
  ] as const
  return given.flatMap(([path, text]) => {
    if (text === undefined || (/^postgres(ql)?:\/\//.test(text) && URL.canParse(text))) return []
    // Never the text itself: it holds a password.
    return [
      {
        path,
        problem: 'is no URL of a PostgreSQL database',
        fix: `${path}=postgres://login:password@host:5432/database (special characters percent-encoded)`,
      },
    ]
  })
}

/** Core reports the faults and serves nothing; whoever asks all the same gets them again. */
function brokenDrivers(faults: readonly StartupFault[]): Drivers {
  const refuse = (): Promise<never> => Promise.reject(new StartupError(faults))
  const app: Driver = {
    kind: 'postgres',
    query: refuse,
    transaction: refuse,
    script: refuse,
    close: () => Promise.resolve(),
  }
  return { kind: 'postgres', app, system: refuse, owner: refuse, close: () => Promise.resolve() }
}
