import type { StartupFault } from '../errors/startup-error.ts'
import type { Rate, RateLimitStore } from '../ports/rate-limits.ts'
import { rateFault } from './bucket.ts'

/** The limits of requests, each by what it counts. */
export interface RequestRates {
  /** Everything from one address (IPv6: from one /64). */
  readonly ip: Rate
  /** What comes from one address to public routes, or without a credential. */
  readonly anonymous: Rate
  /** What one principal does in one tenant. */
  readonly principal: Rate
  /** What all principals of a tenant do. */
  readonly tenant: Rate
}

export interface RateLimitOptions {
  /** Where buckets lie. Default: the database. */
  readonly store?: RateLimitStore
  /** Other rates; false switches one off, or all of requests. What guards logins cannot be switched off. */
  readonly requests?: { readonly [Name in keyof RequestRates]?: Rate | false } | false
}

export const defaultRates: RequestRates = {
  ip: { capacity: 1_200, windowSeconds: 60 },
  anonymous: { capacity: 300, windowSeconds: 60 },
  principal: { capacity: 600, windowSeconds: 60 },
  tenant: { capacity: 1_000, windowSeconds: 60 },
}

/** The rates that hold; undefined where all are off. What is wrong with them joins the faults. */
export function requestRates(
  { requests = {} }: RateLimitOptions,
  faults: StartupFault[],
): Partial<RequestRates> | undefined {
  if (requests === false) return undefined
  const held: { -readonly [Name in keyof RequestRates]?: Rate } = {}
  for (const name of Object.keys(defaultRates) as (keyof RequestRates)[]) {
    const rate = requests[name] ?? defaultRates[name]
    if (rate === false) continue
    const problem = rateFault(rate)
    if (problem !== undefined)
      faults.push({
        path: `createPlinth.rateLimits.requests.${name}`,
        problem,
        fix: `${name}: { capacity: 1000, windowSeconds: 60 }, or false`,
      })
    held[name] = rate
  }
  return held
}
