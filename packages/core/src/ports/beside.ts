import type { RawRow, Scope, Transaction } from './database.ts'
import type { FixedStatement } from './statement.ts'

/** What runs beside requests and belongs to no tenant. */
export interface Beside extends LibraryRunner {
  /**
   * Runs `work` while this process leads under this name, and resolves at once with false where another one does.
   * @param work gets `check`, which rejects when the lead is lost; to be called before each step, and at least every 20 seconds
   */
  lead(name: string, work: (check: () => Promise<void>) => Promise<void>): Promise<boolean>
  /** One statement of `plinth_system` that is a transaction by itself: one wait instead of the two of `system`. */
  systemStatement(statement: FixedStatement): Promise<readonly RawRow[]>
}

export interface LibraryRunner {
  /**
   * Runs the text of a library that brings its own SQL and lives in a schema of its own (pg-boss), as `plinth_system`: in the transaction
   * that it is asked of, otherwise in one of its own. Nothing that came from outside may be part of the text.
   * @param plan `kept` (default): texts that come again are prepared, a bounded number of them. `anew`: each time, where the right plan
   * is another one when the table has grown
   */
  library(text: string, parameters?: readonly LibraryValue[], plan?: 'kept' | 'anew'): Promise<readonly RawRow[]>
}

export type LibraryValue = string | number | boolean | null | readonly string[]

/** What was to be the last of a transaction found no row, so that nothing of it was committed. */
export class Unfinished extends Error {
  override readonly name = 'Unfinished'
}

export interface Finish {
  /** How many rows it must give. Default 1. */
  readonly rows?: number
  /**
   * Told when it and COMMIT are on their way: nothing is left of the transaction but its end. Again where it is repeated. It may not fail.
   */
  readonly onSent?: (() => void) | undefined
}

export type TransactionWork<T> = (transaction: Transaction) => Promise<T>

export interface TransactionPlace {
  /**
   * Rather behind the COMMIT of another transaction, on its connection and before it is answered, than on a connection that is idle: it
   * waits for that COMMIT, and what the one sends last and the other first is one message. Only for work that holds nothing yet that others
   * wait for, since no time limit holds for a COMMIT. Default: never.
   */
  readonly behind?: boolean
}

export interface Committing {
  /**
   * The same transaction on the account of another request: of the same tenant and the same principal, one after the other.
   * @throws Error for another tenant or principal
   */
  within(scope: Scope): Transaction
  /**
   * The last statement of this transaction, sent together with its COMMIT; once. Where it gives another number of rows, nothing is
   * committed, and the transaction rejects with {@link Unfinished}.
   */
  finish(statement: FixedStatement, how?: Finish): void
  /**
   * This transaction does not end before the work is settled, whether or not anybody waits for it: for statements that are sent later than
   * they were asked for. Its failure is for whoever waits.
   */
  until(work: Promise<unknown>): void
  /** The call is made when this transaction is committed, and only then. It may not fail. */
  afterCommit(call: () => void): void
}
