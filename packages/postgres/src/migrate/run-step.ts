import type { Connection, Driver } from '../drivers/driver.ts'
import { identifier } from '../statements/quote.ts'
import { sqlState } from './locked-transaction.ts'

/** One statement of a migration and what it is for, in the words of the report (`created table sites`). */
export interface Step {
  readonly sql: string
  readonly words: string
}

/** A step that PostgreSQL refused. The message names the step; the cause is the server's error. */
export class MigrationStepError extends Error {
  override readonly name = 'MigrationStepError'

  constructor(words: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`Migration stopped at "${words}", everything of this step was rolled back: ${reason}${hint(cause)}`, {
      cause,
    })
  }
}

/** Who is told of the steps of a connection, while somebody waits for them. */
const listeners = new WeakMap<Connection, (words: string) => void>()

/** The same driver; `listener` is told of each step when it begins. What is repeated after a lost race is told again. */
export function tellingSteps(driver: Driver, listener: (words: string) => void): Driver {
  return {
    kind: driver.kind,
    query: (text, parameters, options) => driver.query(text, parameters, options),
    script: (text) => driver.script(text),
    close: () => driver.close(),
    transaction: (work) =>
      driver.transaction((connection) => {
        listeners.set(connection, listener)
        return work(connection)
      }),
  }
}

/** Runs steps in order. @throws MigrationStepError */
export async function runSteps(connection: Connection, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    listeners.get(connection)?.(step.words)
    try {
      await connection.query(step.sql)
    } catch (error) {
      throw new MigrationStepError(step.words, error)
    }
  }
}

/** For the rest of the transaction; the migrating login stays what it is afterwards. */
export async function becomeRole(connection: Connection, role: string): Promise<void> {
  try {
    await connection.query(`set local role ${identifier(role)}`)
  } catch (error) {
    throw new MigrationStepError(`become ${role}`, error)
  }
}

function hint(cause: unknown): string {
  switch (sqlState(cause)) {
    case '42501':
      return '. The login of DATABASE_OWNER_URL lacks this right; use the owner of the database, with CREATEROLE, or a superuser'
    case '25001':
      return '. It cannot run inside a transaction (CREATE INDEX CONCURRENTLY): run it by hand first and write IF NOT EXISTS here'
    case '55P03':
      return '. Another transaction held the table all the time; find it in pg_stat_activity and migrate again'
    default:
      return ''
  }
}
