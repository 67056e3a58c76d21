import type { Rate } from '../ports/rate-limits.ts'
import type { Verdict } from './leases.ts'

/** A limit that counted a request, and what it said. */
export interface AppliedLimit {
  readonly name: string
  readonly rate: Rate
  readonly verdict: Verdict
}

/**
 * `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11, structured fields): what is allowed, and what is
 * left of it. `t` is the time within which no more than `r` can be had: until the bucket is full, or where nothing is left,
 * until one can be had. `Retry-After` never names an earlier time.
 */
export function rateHeaders(applied: readonly AppliedLimit[]): Readonly<Record<string, string>> {
  if (applied.length === 0) return {}
  let policy = ''
  let left = ''
  for (const { name, rate, verdict } of applied) {
    const { capacity, windowSeconds } = rate
    const { remaining, retryAfterSeconds, resetSeconds } = verdict
    const separator = policy === '' ? '' : ', '
    const soon = retryAfterSeconds > 0 ? retryAfterSeconds : Math.ceil(windowSeconds / capacity)
    policy += `${separator}"${name}";q=${capacity};w=${windowSeconds}`
    left += `${separator}"${name}";r=${remaining};t=${remaining === 0 ? soon : resetSeconds}`
  }
  return { 'ratelimit-policy': policy, ratelimit: left }
}
