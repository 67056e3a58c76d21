import { problem } from '../errors/plinth-error.ts'
import { logEvents } from '../logging/events.ts'
import type { Logger } from '../ports/logger.ts'
import type { Rate, RateLimitStore, TakeRequest, TakeResult } from '../ports/rate-limits.ts'
import { bucketKey, isLimitName } from './bucket-key.ts'
import { withinTime } from './within-time.ts'

/** A limit on something that must not be tried often, and on whom it is. */
export interface AttemptLimit extends Rate {
  /** `login`: lower-case letters, digits and hyphens. */
  readonly name: string
  /**
   * Whose bucket it is. Of an account alone, a stranger could empty it and lock its owner out; of account and client
   * (`[userId, client.key ?? 'unknown']`) he empties his own.
   */
  readonly by: readonly string[]
}

/** An attempt that was let through, and charged. */
export interface Attempt {
  /** It was a good one: gives back what it was charged. Never rejects. */
  refund(): Promise<void>
}

/** Longer than for a request: without an answer the login is refused. */
const PATIENCE_MS = 3_000

/**
 * Limits on guessing: logins, resets, codes. Charged before the guess is looked at and given back when it was right, so that of a
 * thousand guesses at once no more get through than of a thousand one after the other. Never from memory: without the store
 * nobody is let through (503).
 *
 * ```ts no-check from within a route
 * const attempt = await platform.rates.attempt([
 *   { name: 'login', by: [email, client.key ?? 'unknown'], capacity: 10, windowSeconds: 900 },
 *   { name: 'login-ip', by: [client.key ?? 'unknown'], capacity: 100, windowSeconds: 900 },
 * ])
 * if (!(await isPassword(…))) throw problem('invalid_credential')
 * await attempt.refund()
 * ```
 */
export class Attempts {
  readonly #store: RateLimitStore
  readonly #log: Logger

  constructor(store: RateLimitStore, log: Logger) {
    this.#store = store
    this.#log = log
  }

  /**
   * Charges each limit with one, or none where one of them is used up.
   * @throws rate_limited with `Retry-After`; unavailable where the store is away
   */
  async attempt(limits: readonly AttemptLimit[]): Promise<Attempt> {
    const results = await this.#take(limits, () => 1)
    const wait = Math.max(0, ...results.map((result) => result.retryAfterSeconds))
    if (results.some((result) => !result.allowed)) throw rateLimited(Math.max(1, wait))
    return {
      refund: async () => {
        try {
          await this.#take(limits, () => -1)
        } catch (error) {
          // The login was right and stays right; the bucket refills by itself.
          this.#log.warn(logEvents.rateLimitStoreAway, { error })
        }
      },
    }
  }

  /**
   * How much is left of each; charges nothing.
   * @throws unavailable where the store is away
   */
  peek(limits: readonly AttemptLimit[]): Promise<readonly TakeResult[]> {
    return this.#take(limits, () => 0)
  }

  /**
   * Fills these buckets, as after a password was set by other means.
   * @throws unavailable where the store is away
   */
  async reset(limits: readonly AttemptLimit[]): Promise<void> {
    await this.#take(limits, ({ capacity }) => -capacity)
  }

  async #take(
    limits: readonly AttemptLimit[],
    costOf: (limit: AttemptLimit) => number,
  ): Promise<readonly TakeResult[]> {
    const requests = limits.map((limit): TakeRequest => {
      const { name, by, capacity, windowSeconds } = limit
      if (!isLimitName(name)) throw new Error(`'${name}' is no name of a limit`)
      return { key: bucketKey(name, ...by), capacity, windowSeconds, cost: costOf(limit) }
    })
    try {
      return await withinTime(this.#store.take(requests), PATIENCE_MS)
    } catch (error) {
      throw problem('unavailable', { cause: error })
    }
  }
}

/** 429, with the seconds after which it may be tried again. */
export function rateLimited(retryAfterSeconds: number, detail?: string): Error {
  return problem('rate_limited', {
    ...(detail !== undefined && { detail }),
    headers: { 'retry-after': String(retryAfterSeconds) },
  })
}
