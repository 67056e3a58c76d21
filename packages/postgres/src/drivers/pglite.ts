import { chmodSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type * as pglite from '@electric-sql/pglite'
import { DriverError } from '../errors/driver-error.ts'
import { IdleLimit } from './idle-limit.ts'
import { lockDataFolder, type DataLock } from './data-lock.ts'
import { SET_SEARCH_PATH, type Driver, type Drivers, type RawRow } from './driver.ts'
import { PgliteSession, type Identity } from './pglite-session.ts'
import { PgliteWire } from './pglite-wire.ts'
import { wireText } from './raw-values.ts'
import { runTransaction } from './run-transaction.ts'
import { refusedIdentityChange, refusedStatement } from './statement-text.ts'

export interface PgliteOptions {
  /** A folder, made if it is missing; or 'memory://', gone when the process ends. */
  readonly dataDir: string
  /** Roles are `<rolePrefix>app` and `<rolePrefix>system`; the migrations create them. */
  readonly rolePrefix: string
  /** Begin with a database that `dumpDataDir` gave (0.3 s instead of 2 s and more): for tests. The folder must be empty. */
  readonly loadDataDir?: Blob
  /** Statements that may wait for their turn; the next one rejects as `overloaded`. Default 1,000. */
  readonly maxQueue?: number
  /** Milliseconds that one of them may wait; then it rejects as `overloaded`. Default 10,000. */
  readonly maxWaitMs?: number
  /**
   * Milliseconds that a transaction may send nothing; then it is rolled back. Default 30,000, as on a server, where the others go on
   * meanwhile: here everybody waits for it.
   */
  readonly idleInTransactionTimeoutMs?: number
}

const opened = new WeakMap<Drivers, { readonly session: PgliteSession; readonly pg: pglite.PGlite }>()

/**
 * The embedded PostgreSQL (PGlite): no server, one process, one session. App, system and owner share the session and take
 * turns. `app` rejects with `not_migrated` until the migrations, run by `owner()`, have created its role.
 */
export async function pgliteDrivers(options: PgliteOptions): Promise<Drivers> {
  const { rolePrefix } = options
  // It goes into SQL text, where SET SESSION AUTHORIZATION takes no parameter.
  if (!/^[a-z_][a-z0-9_]{0,40}$/.test(rolePrefix))
    throw new TypeError(`rolePrefix must be a-z, 0-9 and _: ${rolePrefix}`)
  const module = await loadPGlite()
  const { dataDir, lock } = openFolder(options.dataDir)
  let pg: pglite.PGlite
  try {
    pg = await module.PGlite.create({
      dataDir,
      // As arguments, so that RESET ALL returns to them.
      startParams: [...module.PGlite.defaultStartParams, ...settings.flatMap((setting) => ['-c', setting])],
      ...(options.loadDataDir && { loadDataDir: options.loadDataDir }),
    })
  } catch (error) {
    lock?.release()
    throw error
  }
  const roles = { app: `${rolePrefix}app`, system: `${rolePrefix}system`, owner: 'postgres' }
  const wire = new PgliteWire(pg, module.protocol.serialize)
  const { maxQueue = 1_000, maxWaitMs = 10_000, idleInTransactionTimeoutMs: idleMs = 30_000 } = options
  const session = new PgliteSession(wire, roles, { maxQueue, maxWaitMs })

  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= session.close(() => pg.close()).finally(() => lock?.release())
    return closing
  }
  const system = pgliteDriver(session, 'system', { idleMs, close })
  const owner = pgliteDriver(session, 'owner', { idleMs, close })
  const drivers: Drivers = {
    kind: 'pglite',
    app: pgliteDriver(session, 'app', { idleMs, close }),
    system: () => Promise.resolve(system),
    owner: () => Promise.resolve(owner),
    close,
  }
  opened.set(drivers, { session, pg })
  return drivers
}

/** A copy of the whole embedded database, roles included, for `loadDataDir`. */
export async function dumpDataDir(drivers: Drivers): Promise<Blob> {
  const found = opened.get(drivers)
  if (!found) throw new TypeError('dumpDataDir takes what pgliteDrivers() returned')
  return found.session.use('owner', () => found.pg.dumpDataDir('none'))
}

/** The same shapes as on a server (see postgres-js.ts). */
const settings = ['timezone=UTC', 'datestyle=ISO, YMD', 'intervalstyle=iso_8601']

interface DriverParts {
  readonly idleMs: number
  readonly close: () => Promise<void>
}

function pgliteDriver(session: PgliteSession, identity: Identity, { idleMs, close }: DriverParts): Driver {
  const refusedHere = (text: string): DriverError | undefined =>
    identity === 'owner' ? undefined : refusedIdentityChange(text)
  return {
    kind: 'pglite',
    query(text, parameters = [], { prepare = false, searchPath } = {}) {
      const refused = refusedStatement(text) ?? refusedHere(text)
      if (refused) return Promise.reject(refused)
      const run = async (wire: PgliteWire): Promise<readonly RawRow[]> =>
        (await wire.statement(text, parameters.map(wireText), prepare)).rows
      return session.use(identity, (wire) => (searchPath === undefined ? run(wire) : flight(wire, searchPath, run)))
    },
    transaction: (work) =>
      session.useForTransaction(identity, (wire) => {
        const idle = new IdleLimit(idleMs)
        return runTransaction(
          {
            // A call into the same process: there is no wait to be saved.
            ready: false,
            query(text, parameters = [], { prepare = false } = {}): Promise<readonly RawRow[]> {
              const refused = refusedHere(text)
              if (refused) return Promise.reject(refused)
              return idle.during(async () => (await wire.statement(text, parameters.map(wireText), prepare)).rows)
            },
            begin: () => wire.simple('begin'),
            commit: async () => (await wire.simple('commit')).command,
            rollback: async () => {
              if (wire.inTransaction) await wire.simple('rollback')
            },
            // There is no connection that could be lost, but one that others wait for.
            onLost: (tell) => idle.watch(tell),
          },
          work,
        )
      }),
    script(text) {
      const refused = refusedHere(text)
      if (refused) return Promise.reject(refused)
      return session.useForScript(identity, async (wire) => {
        await wire.simple(text)
      })
    },
    // One instance: closing one identity closes all.
    close,
  }
}

/** A transaction of its own for one statement and its search_path. */
async function flight(
  wire: PgliteWire,
  searchPath: string,
  run: (wire: PgliteWire) => Promise<readonly RawRow[]>,
): Promise<readonly RawRow[]> {
  await wire.simple('begin')
  try {
    await wire.statement(SET_SEARCH_PATH, [searchPath], true)
    const rows = await run(wire)
    const { command } = await wire.simple('commit')
    if (command === 'COMMIT') return rows
    throw new DriverError('not_committed', `PGlite answered COMMIT with ${command}: nothing was written`)
  } catch (error) {
    if (wire.inTransaction) await wire.simple('rollback')
    throw error
  }
}

function openFolder(given: string): { readonly dataDir: string; readonly lock: DataLock | undefined } {
  if (given.startsWith('memory://')) return { dataDir: given, lock: undefined }
  const dataDir = resolve(given)
  mkdirSync(dirname(dataDir), { recursive: true })
  // All tenants' rows, and on a shared machine not for the others.
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  // Also a folder that was there: what PGlite writes inside is readable by everybody who may enter.
  chmodSync(dataDir, 0o700)
  return { dataDir, lock: lockDataFolder(dataDir) }
}

async function loadPGlite(): Promise<typeof pglite> {
  try {
    return await import('@electric-sql/pglite')
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
    if (!missing || !error.message.includes('@electric-sql/pglite')) throw error
    const words =
      'The embedded database needs PGlite, which is not installed: `npm install @electric-sql/pglite`, or set DATABASE_URL to a PostgreSQL server'
    throw new DriverError('package_missing', words, { cause: error })
  }
}
