import type { Database } from '@plinth/core'
import { databaseFrom } from './database.ts'
import { diskCheck } from './observe/disk-check.ts'
import type { Driver, Drivers } from './drivers/driver.ts'
import type { Isolation } from './isolation/tenant-schema.ts'
import { pgliteDrivers } from './drivers/pglite.ts'

export interface EmbeddedOptions {
  /** What the names of the roles begin with. Default `plinth_`. */
  readonly rolePrefix?: string
  /** `schema`: each tenant's product tables lie in a PostgreSQL schema of its own. Default `shared`. */
  readonly isolation?: Isolation
  /** Begin with a database that `dumpDataDir` gave; the folder must be empty. For tests. */
  readonly loadDataDir?: Blob
}

/**
 * PostgreSQL inside this process, by PGlite: for a first try, for examples and small installations. One process at a time;
 * statements run one after the other. Opened by the first statement.
 * @param dataDir a folder, made if it is missing; `memory://` is gone when the process ends
 */
export function embedded(dataDir = '.plinth', options: EmbeddedOptions = {}): Database {
  const rolePrefix = options.rolePrefix ?? 'plinth_'
  const open = (): Promise<Drivers> =>
    pgliteDrivers({ dataDir, rolePrefix, ...(options.loadDataDir && { loadDataDir: options.loadDataDir }) })
  return databaseFrom(lazyDrivers(open), {
    kind: 'embedded',
    rolePrefix,
    isolation: options.isolation ?? 'shared',
    checks: dataDir.startsWith('memory://') ? [] : [diskCheck(dataDir)],
  })
}

/** Opening takes a second and locks the folder: not before something is asked. A failure to open is tried again next time. */
function lazyDrivers(open: () => Promise<Drivers>): Drivers {
  let opening: Promise<Drivers> | undefined
  const opened = (): Promise<Drivers> => {
    opening ??= open().catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }
  const app: Driver = {
    kind: 'pglite',
    query: async (text, parameters, options) => (await opened()).app.query(text, parameters, options),
    transaction: async (work) => (await opened()).app.transaction(work),
    script: async (text) => (await opened()).app.script(text),
    close: () => close(),
  }
  const close = async (): Promise<void> => {
    await (await opening?.catch(() => undefined))?.close()
  }
  return {
    kind: 'pglite',
    app,
    system: async () => (await opened()).system(),
    owner: async () => (await opened()).owner(),
    close,
  }
}
