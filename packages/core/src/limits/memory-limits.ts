import type { RateLimitStore } from '../ports/rate-limits.ts'
import { chargesOf, resultOf, suffices, usedAfter, usedOf, weigh } from './bucket.ts'

/** Full buckets are forgotten when there are more than this; what is then still too much is the oldest. */
const MOST_BUCKETS = 100_000

/**
 * Buckets in this process: for a single process, for tests, and in the place of a store that is away. Nothing is kept beyond the
 * process, and every process counts for itself.
 * @param now milliseconds
 */
export function memoryLimits(now: () => number = () => performance.timeOrigin + performance.now()): RateLimitStore {
  const buckets = new Map<string, number>()
  return {
    async take(requests) {
      const charges = chargesOf(requests)
      const moment = Math.floor(now() * 1_000)
      if (buckets.size > MOST_BUCKETS) forgetFull(buckets, moment)
      const weighed = charges.map((charge) => {
        const used = usedOf(charge, (buckets.get(charge.key) ?? 0) - moment)
        return { charge, used, ...weigh(charge, used) }
      })
      const charged = weighed.every(({ charge, granted }) => suffices(charge, granted))
      if (charged) {
        for (const { charge, used, granted } of weighed) {
          if (granted !== 0) buckets.set(charge.key, moment + usedAfter(charge, used, granted))
        }
      }
      return weighed.map(({ charge, used, granted }) => resultOf(charge, { charged, granted, used }))
    },
  }
}

function forgetFull(buckets: Map<string, number>, moment: number): void {
  for (const [key, fullAt] of buckets) if (fullAt <= moment) buckets.delete(key)
  for (const key of buckets.keys()) {
    if (buckets.size <= MOST_BUCKETS * 0.9) return
    buckets.delete(key)
  }
}
