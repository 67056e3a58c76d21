import { classify } from '../errors/connection-trouble.ts'
import { DriverError, nothingLasts } from '../errors/driver-error.ts'
import type { Connection, LastStatement, TransactionConnection } from './driver.ts'
import { refusedStatement, tooMany } from './statement-text.ts'

/** One connection, held for one transaction. */
export interface TransactionSteps {
  /** Whether the server has let us in before: until then `work` must not begin, for it may do something besides statements. */
  readonly ready: boolean
  readonly query: Connection['query']
  begin(): Promise<unknown>
  /** Resolves with the command the server reports: COMMIT, or ROLLBACK when the transaction was aborted. */
  commit(): Promise<string>
  rollback(): Promise<unknown>
  /** COMMIT was sent: the connection may be handed over. */
  handOver?(): void
  /** Calls back once when the connection is lost; the result takes the callback away. */
  onLost(tell: (error: unknown) => void): () => void
}

/**
 * The one course of a transaction for both clients. Stricter than SQL in three ways:
 * - one failed statement fails the transaction, also when `work` swallows the error. The server would answer the COMMIT with
 *   ROLLBACK and without an error, and the caller would report a success that was never written. (So there are no savepoints.)
 * - statements that `work` did not await are awaited before COMMIT; otherwise their failure comes after it, with the same result.
 * - the handle is dead afterwards. Used later, it would run on a connection that by then serves another request, outside of
 *   any transaction and under another tenant.
 */
export async function runTransaction<T>(
  steps: TransactionSteps,
  work: (connection: TransactionConnection) => Promise<T>,
): Promise<T> {
  const running = new Set<Promise<unknown>>()
  let failure: { readonly error: unknown } | undefined
  let over = false
  let last: readonly LastStatement[] = []
  let tellSent: (() => void) | undefined

  const watched = <A>(answer: Promise<A>): Promise<A> => {
    running.add(answer)
    const settled = (): boolean => running.delete(answer)
    answer.then(settled, (error: unknown) => {
      failure ??= { error }
      settled()
    })
    return answer
  }

  const connection: TransactionConnection = {
    query(text, parameters, options) {
      if (over)
        return Promise.reject(new DriverError('transaction_over', 'This transaction has ended; open another one'))
      const refused = refusedStatement(text)
      if (refused) return Promise.reject(refused)
      if (failure) return Promise.reject(failure.error)
      return watched(steps.query(text, parameters, options))
    },
    last(statements, onSent) {
      if (over || last.length > 0)
        throw new DriverError('transaction_over', 'This transaction has its last statement already')
      for (const { text, parameters } of statements) {
        // Here and not when it is sent: COMMIT is behind it then, and is done without it.
        const refused = refusedStatement(text) ?? tooMany(parameters)
        if (refused) throw refused
      }
      last = statements
      tellSent = onSent
    },
    until(work) {
      running.add(work)
      const settled = (): boolean => running.delete(work)
      work.then(settled, settled)
    },
  }

  // Sent ahead of the first statement and not waited for: a wait of its own was a quarter of a short transaction. BEGIN waits for
  // nothing and touches nothing; it fails with its connection, and then what was sent behind it does not run either.
  if (steps.ready) watched(steps.begin()).catch(() => undefined)
  else await steps.begin()
  let committing = false
  try {
    const result = await untilLost(steps, () => work(connection))
    while (running.size > 0) await Promise.allSettled(running)
    if (failure) throw failure.error
    over = true
    const command = await commitAfter(steps, last, () => {
      committing = true
      // In the same turn: what the next one sends goes with it.
      steps.handOver?.()
      // By itself: what fails there must not be taken for a COMMIT that failed.
      if (tellSent) queueMicrotask(tellSent)
    })
    if (command !== 'COMMIT') {
      throw new DriverError('not_committed', `The server answered COMMIT with ${command}: nothing was written`)
    }
    return result
  } catch (error) {
    over = true
    while (running.size > 0) await Promise.allSettled(running)
    // After COMMIT was sent there is nothing to roll back, and whether it took effect may be unknown.
    if (committing) throw error
    await steps.rollback()
    // The server rolls back what it did not see committed, so the whole work may be repeated.
    if (classify(error).kind === 'connection') nothingLasts(error)
    throw error
  }
}

/**
 * What the server answers to COMMIT. A statement before it that failed has aborted the transaction, and then it is ROLLBACK.
 * @param onSent told when COMMIT is sent, and not where nothing came to that
 */
async function commitAfter(
  steps: TransactionSteps,
  last: readonly LastStatement[],
  onSent: () => void,
): Promise<string> {
  const sent = last.map(({ text, parameters, options }) => steps.query(text, parameters, options))
  const committing = steps.commit()
  onSent()
  const [committed, ...ended] = await Promise.allSettled([committing, ...sent])
  for (const [at, one] of ended.entries())
    if (one.status === 'rejected') throw last[at]?.explain?.(one.reason) ?? one.reason
  if (committed.status === 'rejected') throw committed.reason
  return committed.value
}

/**
 * Rejects when the connection is lost although `work` goes on. Without it a `work` that waits for something else would hold
 * its place in the pool for as long as it likes, for a transaction that the server has rolled back already.
 */
function untilLost<T>(steps: TransactionSteps, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const forget = steps.onLost(reject)
    // In an async function, so that a `work` that throws before its first await ends here too.
    const working = (async () => work())()
    working.then(
      (value) => {
        forget()
        resolve(value)
      },
      (error: unknown) => {
        forget()
        reject(error as Error)
      },
    )
  })
}
