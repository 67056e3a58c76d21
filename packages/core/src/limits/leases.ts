import type { Rate, RateLimitStore, TakeResult } from '../ports/rate-limits.ts'
import { intervalOf } from './bucket.ts'
import { bucketKey } from './bucket-key.ts'

/** What a request was told. */
export interface Verdict {
  readonly allowed: boolean
  readonly remaining: number
  readonly retryAfterSeconds: number
  readonly resetSeconds: number
}

/** How long tokens that were taken ahead may be used; what is left of them then is let go. */
const HELD_MS = 10_000
/** How long an empty bucket is believed to be empty: a flood does not reach the store, a refund of others is soon seen. */
const EMPTY_MS = 1_000
const MOST_AHEAD = 1_024
const MOST_BUCKETS = 50_000

interface Bucket {
  /** In the store. */
  readonly key: string
  readonly rate: Rate
  readonly interval: number
  /** Charged in the store, not yet spent. */
  tokens: number
  heldUntil: number
  /** As the store told it, at a time of ours. */
  remaining: number
  usedMicros: number
  at: number
  emptyUntil: number
  retryAt: number
  /** How many to take beside those that are asked for. */
  ahead: number
  filling: boolean
  waiting: { readonly resolve: (verdict: Verdict) => void; readonly reject: (error: unknown) => void }[]
}

/**
 * Takes tokens for requests, a few ahead, so that most requests are counted in memory. Nothing is spent that the store has not
 * charged. What is taken ahead is never more than the bucket refills in one second (and a 32nd of what is left): tokens that
 * nobody spends need not be given back, since they are there again before anybody misses them. A limit of less than one a second
 * is therefore charged one by one.
 */
export class Leases {
  readonly #store: RateLimitStore
  readonly #now: () => number
  readonly #buckets = new Map<string, Bucket>()

  /** @param now milliseconds of a clock that only runs forward */
  constructor(store: RateLimitStore, now: () => number = () => performance.now()) {
    this.#store = store
    this.#now = now
  }

  /** Takes one. At once where tokens are held or the bucket is known to be empty. */
  take(name: string, who: string, rate: Rate): Verdict | Promise<Verdict> {
    const bucket = this.#bucketOf(name, who, rate)
    const now = this.#now()
    if (bucket.waiting.length === 0) {
      if (bucket.tokens > 0 && now < bucket.heldUntil) {
        bucket.tokens -= 1
        return verdictOf(bucket, true, now)
      }
      if (now < bucket.emptyUntil) return verdictOf(bucket, false, now)
    }
    return new Promise((resolve, reject) => {
      bucket.waiting.push({ resolve, reject })
      if (!bucket.filling) void this.#fill(bucket)
    })
  }

  /** Takes back one that was not used after all. */
  giveBack(name: string, who: string): void {
    const bucket = this.#buckets.get(`${name} ${who}`)
    if (!bucket) return
    const now = this.#now()
    bucket.tokens = now < bucket.heldUntil ? bucket.tokens + 1 : 1
    bucket.heldUntil = Math.max(bucket.heldUntil, now + HELD_MS)
    bucket.emptyUntil = 0
  }

  #bucketOf(name: string, who: string, rate: Rate): Bucket {
    const place = `${name} ${who}`
    const found = this.#buckets.get(place)
    if (found && found.rate.capacity === rate.capacity && found.rate.windowSeconds === rate.windowSeconds) return found
    if (this.#buckets.size >= MOST_BUCKETS) this.#forgetSome()
    const made: Bucket = {
      key: bucketKey(name, who),
      rate,
      interval: intervalOf(rate),
      tokens: 0,
      heldUntil: 0,
      remaining: rate.capacity,
      usedMicros: 0,
      at: 0,
      emptyUntil: 0,
      retryAt: 0,
      ahead: 0,
      filling: false,
      waiting: [],
    }
    this.#buckets.set(place, made)
    return made
  }

  /** The oldest tenth of those that nobody waits for. */
  #forgetSome(): void {
    for (const [place, { waiting, filling }] of this.#buckets) {
      if (this.#buckets.size <= MOST_BUCKETS * 0.9) return
      if (waiting.length === 0 && !filling) this.#buckets.delete(place)
    }
  }

  /** One statement at a time for each bucket: who comes meanwhile waits for the next one, all together. */
  async #fill(bucket: Bucket): Promise<void> {
    bucket.filling = true
    // Requests of the same moment are asked for together.
    await Promise.resolve()
    while (this.#serveHeld(bucket)) {
      const waiting = bucket.waiting.splice(0, bucket.rate.capacity)
      try {
        const cost = Math.min(waiting.length + this.#aheadOf(bucket), bucket.rate.capacity)
        const [result] = await this.#store.take([{ key: bucket.key, ...bucket.rate, cost, partial: true }])
        this.#handOut(bucket, waiting, result!)
      } catch (error) {
        for (const { reject } of [...waiting, ...bucket.waiting.splice(0)]) reject(error)
      }
    }
    bucket.filling = false
  }

  /** Whether somebody still waits. */
  #serveHeld(bucket: Bucket): boolean {
    const now = this.#now()
    if (now >= bucket.heldUntil) bucket.tokens = 0
    const served = bucket.waiting.splice(0, bucket.tokens)
    bucket.tokens -= served.length
    for (const { resolve } of served) resolve(verdictOf(bucket, true, now))
    return bucket.waiting.length > 0
  }

  #aheadOf(bucket: Bucket): number {
    const spent = bucket.tokens === 0 && this.#now() < bucket.heldUntil
    // More for who used up the last ones in time, fewer for who did not.
    bucket.ahead = spent ? Math.min(MOST_AHEAD, bucket.ahead * 2 + 1) : bucket.ahead >> 1
    const refill = Math.floor(1_000_000 / bucket.interval)
    return Math.min(bucket.ahead, refill, bucket.remaining >> 5)
  }

  #handOut(bucket: Bucket, waiting: Bucket['waiting'], result: TakeResult): void {
    const now = this.#now()
    const served = Math.min(waiting.length, result.taken)
    bucket.tokens += result.taken - served
    bucket.heldUntil = now + HELD_MS
    bucket.remaining = result.remaining
    bucket.at = now
    bucket.usedMicros = (bucket.rate.capacity - result.remaining) * bucket.interval
    if (served < waiting.length) {
      const wait = Math.max(1, result.retryAfterSeconds || Math.ceil(bucket.interval / 1_000_000)) * 1_000
      bucket.retryAt = now + wait
      bucket.emptyUntil = now + Math.min(EMPTY_MS, wait)
    }
    waiting.forEach(({ resolve }, index) => resolve(verdictOf(bucket, index < served, now)))
    if (now < bucket.emptyUntil) {
      for (const { resolve } of bucket.waiting.splice(0)) resolve(verdictOf(bucket, false, now))
    }
  }
}

function verdictOf(bucket: Bucket, allowed: boolean, now: number): Verdict {
  const { interval, rate, tokens } = bucket
  if (!allowed) {
    const retryAfterSeconds = Math.max(1, Math.ceil((bucket.retryAt - now) / 1_000))
    return { allowed, remaining: 0, retryAfterSeconds, resetSeconds: retryAfterSeconds }
  }
  const used = Math.max(0, bucket.usedMicros - (now - bucket.at) * 1_000 - tokens * interval)
  return {
    allowed,
    remaining: Math.max(0, Math.floor(rate.capacity - used / interval)),
    retryAfterSeconds: 0,
    resetSeconds: Math.ceil(used / 1_000_000),
  }
}
