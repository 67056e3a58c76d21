import { StartupError, type StartupFault } from '../errors/startup-error.ts'

/** The database as one URL, or as the parts that PostgreSQL images and compose files use. */
export interface DatabaseVariables {
  readonly DATABASE_URL?: string | undefined
  readonly POSTGRES_HOST?: string | undefined
  readonly POSTGRES_PORT?: number | undefined
  readonly POSTGRES_USER?: string | undefined
  readonly POSTGRES_PASSWORD?: string | undefined
  readonly POSTGRES_DB?: string | undefined
}

/**
 * The URL of the runtime login: DATABASE_URL, else put together from POSTGRES_HOST, POSTGRES_PORT (5432), POSTGRES_USER,
 * POSTGRES_PASSWORD (none) and POSTGRES_DB, each escaped.
 * @returns undefined where neither is given
 * @throws StartupError where some parts are given and others missing
 */
export function databaseUrlOf(settings: DatabaseVariables): string | undefined {
  const faults = databaseFaults(settings)
  if (faults.length > 0) throw new StartupError(faults)
  const { DATABASE_URL, POSTGRES_HOST, POSTGRES_PORT, POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB } = settings
  if (DATABASE_URL !== undefined || POSTGRES_HOST === undefined) return DATABASE_URL
  const host = POSTGRES_HOST.includes(':') ? `[${POSTGRES_HOST}]` : POSTGRES_HOST
  const user = escaped(POSTGRES_USER)
  const password = POSTGRES_PASSWORD === undefined ? '' : `:${escaped(POSTGRES_PASSWORD)}`
  return `postgres://${user}${password}@${host}:${POSTGRES_PORT ?? 5432}/${escaped(POSTGRES_DB)}`
}

/** Unescaped, the `@` of a password would choose another host. */
const escaped = (part: string | undefined): string => encodeURIComponent(part ?? '')

/**
 * Parts without the others. Falling back to the embedded database because only POSTGRES_HOST was forgotten would look like
 * lost data. POSTGRES_USER and POSTGRES_PASSWORD alone count for nothing: compose files set them for the database's container.
 */
export function databaseFaults(settings: DatabaseVariables): StartupFault[] {
  if (settings.DATABASE_URL !== undefined) return []
  const needed = { POSTGRES_HOST: 'localhost', POSTGRES_USER: 'app', POSTGRES_DB: 'app' } as const
  const anchor = (['POSTGRES_HOST', 'POSTGRES_DB'] as const).find((name) => settings[name] !== undefined)
  if (anchor === undefined) return []
  return Object.entries(needed)
    .filter(([name]) => settings[name as keyof typeof needed] === undefined)
    .map(([name, example]) => ({
      path: name,
      problem: `is not set although ${anchor} is, and DATABASE_URL is not`,
      fix: `${name}=${example}, or DATABASE_URL=postgres://user:password@host:5432/database instead of the parts`,
    }))
}
