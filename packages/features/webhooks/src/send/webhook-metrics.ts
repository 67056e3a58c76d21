import type { Platform } from '@plinth/core'
import type { AttemptResult } from './attempt.ts'

/** In seconds: from an answer at once to as long as one may take. */
const bounds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30]

/** How attempts ended. Of whom is not told: a number of one tenant is nobody else's business. */
export class WebhookMetrics {
  readonly #ended
  readonly #duration

  constructor({ metrics }: Pick<Platform, 'metrics'>) {
    this.#ended = metrics.counter({
      name: 'plinth_webhook_attempts_total',
      help: 'Requests to webhooks by this process: delivered, refused by an answer, or failed without one.',
      labels: ['outcome'],
    })
    this.#duration = metrics.histogram(
      {
        name: 'plinth_webhook_attempt_duration_seconds',
        help: 'How long requests to webhooks took, with name, connection and TLS.',
      },
      bounds,
    )
    // Known beforehand: what has not happened yet is 0.
    for (const outcome of ['delivered', 'refused', 'failed'] as const) this.#ended.add({ outcome }, 0)
  }

  ended({ delivered, status, milliseconds }: AttemptResult): void {
    this.#ended.add({ outcome: delivered ? 'delivered' : status === null ? 'failed' : 'refused' })
    this.#duration.observe({}, milliseconds / 1_000)
  }
}
