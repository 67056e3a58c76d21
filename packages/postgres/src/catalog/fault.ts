import { StartupError, type Finding, type StartupFault } from '@plinth/core'
import { MIGRATE } from './fixes.ts'
import { classify } from '../errors/connection-trouble.ts'

/** A fault that service is refused for. `fix` is a call or a line of code. */
export function fault(code: string, path: string, problem: string, fix: string): Finding {
  return { code, severity: 'error', path, problem, fix }
}

/** A fault that these statements mend, run as they are by the owner of the database. */
export function faultInSql(code: string, path: string, problem: string, sql: string, fix: string = sql): Finding {
  return { code, severity: 'error', path, problem, fix, sql }
}

/** Something that works and that somebody should look at. */
export function warningInSql(code: string, path: string, problem: string, sql: string): Finding {
  return { code, severity: 'warning', path, problem, fix: sql, sql }
}

/** As they are told at start, where each stops it and the code says nothing more. */
export function asFaults(findings: readonly Finding[]): readonly StartupFault[] {
  return findings.map(({ path, problem, fix }) => ({ path, problem, fix }))
}

/** A database that cannot be asked. @throws what is no trouble of the connection */
export function unreachable(error: unknown): Finding {
  const isOurs = error instanceof Error && (error.name === 'DriverError' || classify(error).kind === 'connection')
  if (error instanceof StartupError || !isOurs) throw error
  if ('code' in error && error.code === 'not_migrated')
    return fault('database_not_migrated', 'database', error.message, MIGRATE)
  // Its words say which process and what to do; there is no server to start and no login to mend.
  if ('code' in error && error.code === 'data_locked')
    return fault('database_unreachable', 'database', error.message, 'stop the other process, then ask again')
  // A server that has never seen Plinth: migrating makes the login.
  const roleMissing = /^role "[^"]*" does not exist$/.test(error.message)
  return fault(
    'database_unreachable',
    'DATABASE_URL',
    `cannot be reached: ${error.message}`,
    roleMissing
      ? `${MIGRATE}, which makes the login; or mend the URL`
      : 'start PostgreSQL there, or mend the URL and its login',
  )
}
