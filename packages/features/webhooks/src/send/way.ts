import { resilient, type Resilience } from '@plinth/core'
import type { WebhooksSettings } from '../options.ts'

/**
 * The way to all receivers, in health and metrics. No breaker: it would be one receiver that shuts out all others; how each is doing is in
 * its row. Tried again it is by the delivery, after a pause.
 */
export function wayToReceivers({ concurrency, timeoutMs }: WebhooksSettings): Resilience {
  return resilient('webhooks', {
    timeoutMs,
    retry: false,
    breaker: false,
    bulkhead: { atOnce: concurrency, waiting: 0 },
  })
}
