import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { databaseUrlOf, type PlinthOptions } from '@plinth/core'
import { embedded, postgres, type PostgresOptions } from '@plinth/postgres'
import type { LookoutSettings } from './settings.ts'
import { StartError } from './start-error.ts'

export interface ChosenDatabase {
  readonly database: PlinthOptions['database']
  /** Where the rows are, in words, without a login. */
  readonly words: string
  /** The embedded database has to be made first, which takes some seconds. */
  readonly isNew: boolean
}

/** A server where one is named, else the embedded database in DATA_DIR. */
export function chooseDatabase(settings: LookoutSettings): ChosenDatabase {
  const url = databaseUrlOf(settings)
  if (url === undefined) {
    // A folder of its own: beside it lie the keys, which outlive a thrown-away database.
    const folder = resolve(settings.DATA_DIR, 'database')
    return { database: embedded(folder), words: `embedded, in ${folder}`, isNew: !existsSync(folder) }
  }
  // Not by `URL`, which refuses the lists of hosts (h1:5432,h2:5432) that drivers take.
  const place = url.replace(/^[a-z]+:\/\/(?:[^/@]*@)?/, '').replace(/\?.*$/s, '')
  return { database: postgres(url, otherLogins(settings)), words: `PostgreSQL at ${place}`, isNew: false }
}

/** From the settings, not left to the environment of the process: `.env` may hold them. */
function otherLogins(settings: LookoutSettings): PostgresOptions {
  const { DATABASE_OWNER_URL: ownerUrl, DATABASE_SYSTEM_URL: systemUrl, DATABASE_DIRECT_URL: directUrl } = settings
  return { ...(ownerUrl && { ownerUrl }), ...(systemUrl && { systemUrl }), ...(directUrl && { directUrl }) }
}

/**
 * Throws what went wrong with the database: what the embedded one refuses as one line, anything else as it is.
 * @throws StartError
 */
export function refuseTrouble(error: unknown): never {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    // The drivers' own refusals (folder locked by another process, PGlite missing) say what to do.
    if (cause.name === 'DriverError') throw new StartError(cause.message, { cause: error })
  }
  throw error
}
