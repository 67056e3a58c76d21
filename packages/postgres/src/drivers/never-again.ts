import type { Sql } from 'postgres'

/** What the client does with a statement whose plan is void; it is not part of its types. */
interface Repeatable {
  readonly once?: boolean
  again: unknown
  cancelled: unknown
  reject(error: unknown): void
}

let stopped = false

/**
 * postgres.js 3.4.9 sends a prepared statement once more when its table has changed or it is not known any more, behind all that was sent
 * meanwhile: the last statement of a transaction then ran behind its COMMIT, in the transaction that follows on that connection. With this
 * a statement that says `once` forgets the plan, as it does then, and tells the error: what is whole is repeated by whoever knows it as a
 * whole. Once per process, for the class of statements: a property that each of them defines for itself makes it slow to read.
 */
export function stopRepeating(client: Sql): void {
  if (stopped) return
  stopped = true
  Object.defineProperty(Object.getPrototypeOf(client.unsafe('')), 'retried', {
    configurable: true,
    get(this: Repeatable): unknown {
      return this.again
    },
    set(this: Repeatable, error: unknown) {
      if (!this.once) {
        this.again = error
        return
      }
      // What is cancelled is not sent.
      this.cancelled = true
      this.reject(error)
    },
  })
}
