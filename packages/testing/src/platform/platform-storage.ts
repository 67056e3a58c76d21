import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from '@plinth/core'
import {
  databaseFrom,
  dumpDataDir,
  pgliteDrivers,
  postgresDrivers,
  postgresJsDriver,
  type Driver,
  type Drivers,
  type Isolation,
} from '@plinth/postgres/driver'
import { loginUrl, templateDatabase } from '../server/databases.ts'

/** A migrated database of a test's own, and the superuser's view of it. */
export interface PlatformStorage {
  readonly database: Database
  /** Past every policy: for seeding and for looking at what is really stored. */
  readonly superuser: Driver
  /** The superuser's URL on a server; undefined for the embedded database. */
  readonly url: string | undefined
  close(): Promise<void>
}

export interface StorageOptions {
  /** Superuser URL of the server of this run (`inject('postgresUrl')`). Only for `postgres`. */
  readonly serverUrl?: string | undefined
  readonly rolePrefix: string
  readonly isolation: Isolation
  /** Everything that `prepare` depends on. */
  readonly key: string
  /** Migrates and founds the tenants. Called once per key. */
  readonly prepare: (database: Database) => Promise<void>
  /** Connections of the runtime login. */
  readonly pool: number
  /** Puts something between the platform and its runtime connections. */
  readonly wrap?: ((driver: Driver) => Driver) | undefined
}

const SUPERUSER = {
  applicationName: 'plinth test',
  prepare: true,
  statementTimeoutMs: 60_000,
  connectTimeoutSeconds: 10,
}

/** Cloned from a template that is migrated once per key: 0.1 s instead of a second. */
export async function serverStorage(options: StorageOptions): Promise<PlatformStorage> {
  const { serverUrl, rolePrefix, isolation, key, prepare, pool, wrap } = options
  if (serverUrl === undefined) throw new Error("a database on a server needs the superuser's URL of that server")
  const appLogin = { user: `${rolePrefix}app` }
  const open = (url: string, max: number): Drivers =>
    postgresDrivers(loginUrl(url, appLogin.user), {
      ownerUrl: url,
      systemUrl: loginUrl(url, `${rolePrefix}system`),
      max,
      rolePrefix,
      isolation,
    })
  const clone = await templateDatabase(serverUrl, key, async (url) => {
    const template = databaseFrom(open(url, 2), { rolePrefix, isolation, appLogin })
    try {
      await prepare(template)
    } finally {
      await template.close()
    }
  })
  const drivers = open(clone.url, pool)
  const superuser = postgresJsDriver(clone.url, { ...SUPERUSER, max: 2 })
  // A clone has what is in the database, and not what was granted on the database itself: the owner makes schemas for tenants.
  if (isolation === 'schema')
    await superuser.script(
      `do $$ begin execute format('grant create on database %I to %I', current_database(), '${rolePrefix}owner'); end $$`,
    )
  const wrapped = wrap ? { ...drivers, app: wrap(drivers.app) } : drivers
  const database = databaseFrom(wrapped, { rolePrefix, isolation, appLogin })
  return {
    database,
    superuser,
    url: clone.url,
    async close() {
      await database.close()
      await superuser.close()
      await clone.drop()
    },
  }
}

/** PGlite in memory, begun with the dump of a migrated one that lies in the temporary folder. */
export async function embeddedStorage(options: StorageOptions): Promise<PlatformStorage> {
  const { rolePrefix, isolation, key, prepare, wrap } = options
  const dump = join(tmpdir(), `${DUMP}${createHash('sha256').update(key).digest('hex').slice(0, 32)}.tar`)
  if (!existsSync(dump)) await dumpMigrated(dump, options, prepare)
  const loadDataDir = new Blob([readFileSync(dump)])
  const drivers = await pgliteDrivers({ dataDir: 'memory://', rolePrefix, loadDataDir })
  const database = databaseFrom(wrap ? { ...drivers, app: wrap(drivers.app) } : drivers, { rolePrefix, isolation })
  return { database, superuser: await drivers.owner(), url: undefined, close: () => database.close() }
}

const DUMP = 'plinth-pglite-'

/** Of code that has changed since: each is 40 MB, and nobody asks for it again. */
function removeOldDumps(): void {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(DUMP))) {
    const file = join(tmpdir(), name)
    const { mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() }
    if (Date.now() - mtimeMs > 3_600_000) rmSync(file, { force: true })
  }
}

async function dumpMigrated(
  file: string,
  { rolePrefix, isolation }: Pick<StorageOptions, 'rolePrefix' | 'isolation'>,
  prepare: (database: Database) => Promise<void>,
): Promise<void> {
  const drivers = await pgliteDrivers({ dataDir: 'memory://', rolePrefix })
  const database = databaseFrom(drivers, { rolePrefix, isolation })
  try {
    await prepare(database)
    const dumped = await dumpDataDir(drivers)
    // Renamed when it is whole: another test file may look for it at this moment.
    removeOldDumps()
    const unfinished = `${file}.${process.pid}`
    writeFileSync(unfinished, Buffer.from(await dumped.arrayBuffer()))
    renameSync(unfinished, file)
  } finally {
    await database.close()
  }
}
