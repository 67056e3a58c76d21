import type { RawRow } from './database.ts'
import type { FixedStatement } from './statement.ts'

/** What runs beside requests and belongs to no tenant. */
export interface Beside {
  /**
   * Runs `work` while this process leads under this name, and resolves at once with false where another one does.
   * @param work gets `check`, which rejects when the lead is lost; to be called before each step, and at least every 20 seconds
   */
  lead(name: string, work: (check: () => Promise<void>) => Promise<void>): Promise<boolean>
  /**
   * Runs the text of a library that brings its own SQL and lives in a schema of its own (pg-boss), as `plinth_system`, each text in
   * a transaction of its own. Nothing that came from outside may be part of the text.
   */
  library(text: string, parameters?: readonly LibraryValue[]): Promise<readonly RawRow[]>
}

export type LibraryValue = string | number | boolean | null | readonly string[]

/** What was to be the last of a transaction found no row, so that nothing of it was committed. */
export class Unfinished extends Error {
  override readonly name = 'Unfinished'
}

export interface Committing {
  /**
   * The last statement of this transaction, sent together with its COMMIT; once. Where it gives no row, nothing is committed, and the
   * transaction rejects with {@link Unfinished}.
   */
  finish(statement: FixedStatement): void
  /** The call is made when this transaction is committed, and only then. It may not fail. */
  afterCommit(call: () => void): void
}
