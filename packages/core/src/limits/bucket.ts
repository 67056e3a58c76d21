import type { Rate, TakeRequest, TakeResult } from '../ports/rate-limits.ts'

/*
 * A bucket is one number: the time at which it will be full again (microseconds since 1970). What is missing from it is the
 * time until then, and a token is an interval of it; a full bucket needs no row. Whole microseconds, so that SQL's bigint, Lua's
 * doubles and JavaScript's numbers count alike, below 2^53.
 */

/** What a store is asked for, in whole microseconds and tokens. */
export interface BucketCharge {
  readonly key: string
  /** Microseconds in which one token comes. */
  readonly interval: number
  readonly capacity: number
  readonly cost: number
  readonly partial: boolean
}

/** What a store answers. */
export interface BucketState {
  /** Whether the whole call was carried out. */
  readonly charged: boolean
  /** Tokens that were, or would have been, taken; 0 where there were too few. */
  readonly granted: number
  /** Microseconds until the bucket is full, before this call. */
  readonly used: number
}

const MOST_CAPACITY = 1_000_000_000
/** Beyond it an interval is less than 10 µs, and cutting it to whole ones would be felt. */
const MOST_PER_SECOND = 100_000

/** What is wrong with a rate, in words; undefined for one that holds. */
export function rateFault({ capacity, windowSeconds }: Rate): string | undefined {
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > MOST_CAPACITY)
    return `capacity ${capacity} is no whole number from 1 to ${MOST_CAPACITY}`
  if (!Number.isInteger(windowSeconds) || windowSeconds < 1 || windowSeconds > 31_622_400)
    return `windowSeconds ${windowSeconds} is no whole number from 1 to 31622400`
  if (capacity / windowSeconds > MOST_PER_SECOND) return `is more than ${MOST_PER_SECOND} a second`
  return undefined
}

/** Microseconds in which one token comes, rounded down. */
export function intervalOf({ capacity, windowSeconds }: Rate): number {
  return Math.floor((windowSeconds * 1_000_000) / capacity)
}

/** @throws Error for what is no rate, for a key twice, for more than a bucket holds: mistakes of code, not of a caller */
export function chargesOf(requests: readonly TakeRequest[]): readonly BucketCharge[] {
  const keys = new Set<string>()
  return requests.map((request) => {
    const { key, capacity, cost = 1, partial = false } = request
    const fault = rateFault(request)
    if (fault !== undefined) throw new Error(`the rate of ${key}: ${fault}`)
    if (keys.has(key)) throw new Error(`the bucket ${key} is asked for twice`)
    if (!/^[\x21-\x7e]{1,200}$/.test(key)) throw new Error(`'${key}' is no key of a bucket`)
    if (!Number.isInteger(cost) || Math.abs(cost) > capacity)
      throw new Error(`${cost} tokens of ${key}, which holds ${capacity}`)
    keys.add(key)
    return { key, interval: intervalOf(request), capacity, cost, partial }
  })
}

/**
 * Microseconds until the bucket is full. Never more than empty: the rate may have been another one before, and a clock may have been
 * set back; else it would stay empty for as long as that.
 */
export function usedOf({ interval, capacity }: BucketCharge, fromNow: number): number {
  return Math.min(interval * capacity, Math.max(0, fromNow))
}

/** What a charge would do to a bucket that is full in `used` microseconds. The same lines stand in SQL and in Lua. */
export function weigh({ interval, capacity, cost, partial }: BucketCharge, used: number): { granted: number } {
  const free = Math.floor((interval * capacity - used) / interval)
  if (cost <= free) return { granted: cost }
  return { granted: partial ? free : 0 }
}

/** Whether what was granted is enough for the call to be carried out. */
export function suffices({ cost, partial }: BucketCharge, granted: number): boolean {
  return cost <= 0 || granted === cost || (partial && granted > 0)
}

/** Microseconds until the bucket is full, after `granted` were taken. */
export function usedAfter({ interval }: BucketCharge, used: number, granted: number): number {
  return Math.max(0, used + granted * interval)
}

export function resultOf(charge: BucketCharge, { charged, granted, used }: BucketState): TakeResult {
  const { interval, capacity, cost, partial } = charge
  const taken = charged ? granted : 0
  const after = usedAfter(charge, used, taken)
  const span = interval * capacity
  const wanted = partial ? Math.min(1, cost) : cost
  const missing = after - (span - Math.max(0, wanted) * interval)
  return {
    allowed: charged,
    taken,
    remaining: Math.max(0, Math.floor((span - after) / interval)),
    retryAfterSeconds: charged ? 0 : Math.max(0, Math.ceil(missing / 1_000_000)),
    resetSeconds: Math.ceil(after / 1_000_000),
  }
}
