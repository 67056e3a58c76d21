import type { Observed } from '../platform/observed.ts'
import type { StatementRunner } from './database.ts'

/** How much of something in how much time: a token bucket of `capacity`, refilled evenly within `windowSeconds`. */
export interface Rate {
  /** Whole number, 1 to 1,000,000,000. */
  readonly capacity: number
  /** Whole number; at most 100,000 of the capacity a second. */
  readonly windowSeconds: number
}

/** One bucket, and what is asked of it. */
export interface TakeRequest extends Rate {
  /** At most 200 characters of ASCII. No two of one call are the same. */
  readonly key: string
  /** How many. 0 only looks; negative gives back, and is always allowed. Default 1. */
  readonly cost?: number
  /** Take as many of `cost` as there are, where there is one at least. */
  readonly partial?: boolean
}

export interface TakeResult {
  readonly allowed: boolean
  /** How many were charged: 0 where it was refused, fewer than asked only by `partial`. */
  readonly taken: number
  /** How many are left. */
  readonly remaining: number
  /** 0 where it was allowed; else whole seconds until `cost` of them are there. */
  readonly retryAfterSeconds: number
  /** Whole seconds until the bucket is full. */
  readonly resetSeconds: number
}

/**
 * Where the buckets of limits lie, for all processes together. Exact: no two callers get the same token, in whatever process.
 * Time is the store's own clock, since those of processes differ.
 */
export interface RateLimitStore extends Observed {
  /**
   * Takes from several buckets at once: where one has too few, none is charged. Results in the order of the requests.
   * @throws whatever the connection throws; the caller decides what a store that is away means
   */
  take(requests: readonly TakeRequest[]): Promise<readonly TakeResult[]>
  /** Ends connections of its own; called when the platform closes. */
  close?(): Promise<void>
}

/** Rates of one tenant that stand in the place of the platform's. */
export interface TenantRates {
  /** Of all its principals together. */
  readonly tenant?: Rate
  /** Of each of its principals. */
  readonly principal?: Rate
}

/** Null takes a rate away, what is left out stays. */
export type ChangedRates = { readonly [Scope in keyof TenantRates]?: Rate | null }

/** What a database has of limits. */
export interface DatabaseLimits extends RateLimitStore {
  /** The rates that single tenants have of their own, for those of these that have any. */
  ofTenants(tenantIds: readonly string[]): Promise<ReadonlyMap<string, TenantRates>>
  /** @param also in the same transaction, of `plinth_system`: the entry of the change */
  setOfTenant(tenantId: string, rates: ChangedRates, also?: (system: StatementRunner) => Promise<void>): Promise<void>
}
