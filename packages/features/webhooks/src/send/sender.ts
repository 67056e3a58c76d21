import { Pause, type NameLookup, type Platform, type Resilience } from '@plinth/core'
import { webhookLogEvents } from '../log-events.ts'
import type { WebhooksSettings } from '../options.ts'
import { attempt } from './attempt.ts'
import { claim, type Claimed, type ClaimLimits } from './claim.ts'
import { release, settle } from './settle.ts'
import type { WebhookMetrics } from './webhook-metrics.ts'

const LONGEST_PAUSE_MS = 10_000
/** What may be under way when the process is asked to end has so long; then it is given back. */
const GRACE_MS = 3_000
/** How much longer than a request may take a process has what it took: to say what came of it. */
const SPARE_MS = 15_000

export interface SenderParts {
  readonly platform: Platform
  readonly settings: WebhooksSettings
  readonly metrics: WebhookMetrics
  readonly way: Resilience
  readonly lookup: NameLookup | undefined
}

/**
 * Sends what is due, so much at once. Every process has one; what one of them takes the others leave. One that is killed leaves what it
 * had in hand to others when its lease is over: it is sent again, under the same id.
 */
export class Sender {
  readonly #parts: SenderParts
  readonly #pause = new Pause()
  readonly #running = new Map<Promise<void>, Claimed>()
  readonly #end = new AbortController()
  #loop: Promise<void> | undefined
  #stopping = false

  constructor(parts: SenderParts) {
    this.#parts = parts
  }

  start(): void {
    if (!this.#stopping) this.#loop ??= this.#run()
  }

  /** There is something to send: look soon. */
  poke(): void {
    this.#pause.shorten()
  }

  /** Takes nothing more; what is under way has a moment to end, the rest is given back. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#pause.end()
    await this.#loop
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, GRACE_MS)))
    await Promise.race([Promise.all(this.#running.keys()), late])
    clearTimeout(timer)
    this.#end.abort(new Error('the process ends'))
    await Promise.all(this.#running.keys())
  }

  async #run(): Promise<void> {
    const { platform, settings } = this.#parts
    let failures = 0
    while (!this.#stopping) {
      let taken: readonly Claimed[] = []
      try {
        if (this.#running.size < settings.concurrency) taken = await claim(platform, this.#limits())
        failures = 0
      } catch (error) {
        failures += 1
        platform.log.warn(webhookLogEvents.senderInterrupted, { error })
      }
      for (const delivery of taken) this.#begin(delivery)
      if (this.#stopping) break
      // Each that ends shortens the pause, since its webhook has room for the next one.
      await this.#pause.wait(Math.min(LONGEST_PAUSE_MS, settings.pollMs * 2 ** Math.min(failures, 8)))
    }
  }

  /** Half of the places are for those that do not fail, and for other tenants than the one that has most. */
  #limits(): ClaimLimits {
    const { concurrency, perWebhook, timeoutMs } = this.#parts.settings
    const half = Math.max(1, Math.floor(concurrency / 2))
    const running = new Map<string, number>()
    let failing = 0
    for (const one of this.#running.values()) {
      running.set(one.tenantId, (running.get(one.tenantId) ?? 0) + 1)
      if (one.failing) failing += 1
    }
    return {
      most: concurrency - this.#running.size,
      mostFailing: half - failing,
      perTenant: half,
      perWebhook,
      running,
      leaseMs: timeoutMs + SPARE_MS,
    }
  }

  #begin(delivery: Claimed): void {
    const running = this.#send(delivery)
      // The database is away: the lease gives it to whoever is there when it is back.
      .catch((error: unknown) => this.#parts.platform.log.warn(webhookLogEvents.senderInterrupted, { error }))
      .finally(() => {
        this.#running.delete(running)
        this.#pause.shorten()
      })
    this.#running.set(running, delivery)
  }

  async #send(delivery: Claimed): Promise<void> {
    const { platform, lookup, metrics, way } = this.#parts
    const { signal } = this.#end
    try {
      const result = await attempt({ platform, way, lookup }, delivery, signal)
      metrics.ended(result)
      await settle(platform, delivery, result)
    } catch (error) {
      if (!signal.aborted) throw error
      await release(platform, [delivery])
    }
  }
}
