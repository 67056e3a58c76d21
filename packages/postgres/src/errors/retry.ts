import { classify, type TroubleKind } from './connection-trouble.ts'

export interface RetryOptions {
  /** How often `work` may run in all, the first time included. */
  readonly attempts: number
  /**
   * Whether a repetition does no harm although the lost attempt may have been committed: true for reads and for writes under
   * an idempotency key. Asked only where that is unknown.
   */
  readonly mayRepeat: (kind: TroubleKind) => boolean
  /** A number from 0 to 1, `Math.random` outside of tests. */
  readonly random: () => number
  readonly sleep: (milliseconds: number) => Promise<void>
}

const firstDelay = 20
const longestDelay = 1_000

/**
 * Repeats `work`, which must be one statement or one transaction, after errors that a repetition can cure: serialization
 * failures and deadlocks (rolled back, so always safe), and lost connections where nothing was sent or `mayRepeat` allows it.
 * Overload and timeouts are not repeated: that is what turns a slow database into a dead one.
 */
export async function withRetry<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt >= options.attempts || !curable(error, options)) throw error
    }
    // The whole delay is random: two transactions that met once would otherwise meet again at every attempt.
    await options.sleep(options.random() * Math.min(longestDelay, firstDelay * 2 ** attempt))
  }
}

function curable(error: unknown, { mayRepeat }: RetryOptions): boolean {
  const { kind, sent } = classify(error)
  if (kind === 'serialization') return true
  return kind === 'connection' && (sent === false || mayRepeat(kind))
}
