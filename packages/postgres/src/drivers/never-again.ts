import type { PendingQuery, Row } from 'postgres'

/** What the client does with a statement whose plan is void; it is not part of its types. */
interface Repeatable {
  cancelled: unknown
  reject(error: unknown): void
}

/**
 * postgres.js 3.4.9 sends a prepared statement once more when its table has changed or it is not known any more, behind all that was sent
 * meanwhile: the last statement of a transaction then ran behind its COMMIT, in the transaction that follows on that connection. With this
 * it forgets the plan, as it does then, and tells the error: what is whole is repeated by whoever knows it as a whole.
 */
export function neverAgain<T extends PendingQuery<Row[]>>(query: T): T {
  return Object.defineProperty(query, 'retried', {
    get: () => undefined,
    set(this: Repeatable, error: unknown) {
      // What is cancelled is not sent.
      this.cancelled = true
      this.reject(error)
    },
  })
}
