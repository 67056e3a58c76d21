import { logEvents } from '../logging/events.ts'
import type { Logger } from '../ports/logger.ts'
import type { Rate, RateLimitStore } from '../ports/rate-limits.ts'
import { Leases, type Verdict } from './leases.ts'
import { memoryLimits } from './memory-limits.ts'
import { withinTime } from './within-time.ts'

/** A request waits no longer for its limit than this; then the store counts as away. */
const PATIENCE_MS = 500
/** How long a store that failed is left alone: else every request of an outage would wait. */
const AWAY_MS = 1_000
const TOLD_EVERY_MS = 60_000

/**
 * Limits of requests. Where the store is away they go on in this process alone, with the same rates: who would be served is
 * served, and no flood gets through because of an outage; but each process counts for itself. Told once a minute.
 */
export class RequestLimits {
  readonly #shared: Leases
  readonly #own: Leases
  readonly #log: Logger
  readonly #now: () => number
  #awayUntil = 0
  #toldAt = -Infinity

  constructor(store: RateLimitStore, log: Logger, now: () => number = () => performance.now()) {
    this.#shared = new Leases({ take: (requests) => withinTime(store.take(requests), PATIENCE_MS) }, now)
    this.#own = new Leases(memoryLimits(now), now)
    this.#log = log
    this.#now = now
  }

  /** Takes one for a request. At once in most cases. Never rejects. */
  take(name: string, who: string, rate: Rate): Verdict | Promise<Verdict> {
    if (this.#now() < this.#awayUntil) return this.#own.take(name, who, rate)
    const verdict = this.#shared.take(name, who, rate)
    return verdict instanceof Promise
      ? verdict.catch((error: unknown) => this.#without(error, name, who, rate))
      : verdict
  }

  /** For a request that another limit has refused. */
  giveBack(name: string, who: string): void {
    if (this.#now() < this.#awayUntil) this.#own.giveBack(name, who)
    else this.#shared.giveBack(name, who)
  }

  #without(error: unknown, name: string, who: string, rate: Rate): Verdict | Promise<Verdict> {
    const now = this.#now()
    this.#awayUntil = now + AWAY_MS
    if (now - this.#toldAt >= TOLD_EVERY_MS) {
      this.#toldAt = now
      this.#log.warn(logEvents.rateLimitStoreAway, { error })
    }
    return this.#own.take(name, who, rate)
  }
}
