import { resilient, type Resilience } from '@plinth/core'

/**
 * How checks leave this process: so many at once, and a bounded number waits. No circuit: each asks another server, and one that does
 * not answer is what is being looked for.
 */
export function siteChecks(): Resilience {
  const bulkhead = { atOnce: 50, waiting: 200 }
  return resilient('site-checks', { timeoutMs: false, retry: false, breaker: false, bulkhead })
}
