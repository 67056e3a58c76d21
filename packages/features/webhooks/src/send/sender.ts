import { setTimeout as sleep } from 'node:timers/promises'
import { Pause, settledWithin, type NameLookup, type Platform, type Resilience } from '@plinth/core'
import { webhookLogEvents } from '../log-events.ts'
import type { WebhooksSettings } from '../options.ts'
import { attempt } from './attempt.ts'
import { claim, type Claimed, type ClaimLimits } from './claim.ts'
import { pruneDeliveries } from './prune.ts'
import { release, settle } from './settle.ts'
import type { WebhookMetrics } from './webhook-metrics.ts'

const LONGEST_PAUSE_MS = 10_000
const LONGEST_REST_MS = 1_000
/** What may be under way when the process is asked to end has so long; then it is given back. */
const GRACE_MS = 3_000
/** How much longer than a request may take a process has what it took: to say what came of it. */
const SPARE_MS = 15_000
/** How long what was told that it is over may take to say so. */
const LAST_MS = 1_000
/** What `stop()` may take. */
export const STOP_MS = GRACE_MS + LAST_MS + 2_000
/** How often it is looked whether something waits that is not to be sent any more. */
const PRUNE_MS = 1_000

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
  #prunedAt = -Infinity

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
    // A claim that hangs holds up neither the end of what is under way nor that of the process.
    const all = (): Set<Promise<unknown>> => new Set([...(this.#loop ? [this.#loop] : []), ...this.#running.keys()])
    await settledWithin(GRACE_MS, all())
    this.#end.abort(new Error('the process ends'))
    await settledWithin(LAST_MS, all())
  }

  async #run(): Promise<void> {
    const { platform, settings } = this.#parts
    let failures = 0
    while (!this.#stopping) {
      const lookedAt = performance.now()
      try {
        if (lookedAt - this.#prunedAt >= PRUNE_MS) {
          await pruneDeliveries(platform)
          this.#prunedAt = performance.now()
        }
        if (this.#running.size < settings.concurrency) {
          const askedAt = performance.now()
          const taken = await claim(platform, this.#limits())
          // Too late: what it has in hand is others' when its lease is over, which may be before it has said so.
          if (this.#stopping || performance.now() - askedAt > SPARE_MS / 2) await release(platform, taken)
          else for (const delivery of taken) this.#begin(delivery)
        }
        failures = 0
      } catch (error) {
        failures += 1
        platform.log.warn(webhookLogEvents.senderInterrupted, { error })
      }
      if (this.#stopping) break
      // Of its time a process looks for a fifth at most, however many webhooks there are to look at.
      await sleep(Math.min(LONGEST_REST_MS, 4 * (performance.now() - lookedAt)), undefined, { ref: false })
      // Each that ends shortens the pause, since its webhook has room for the next one.
      await this.#pause.wait(Math.min(LONGEST_PAUSE_MS, settings.pollMs * 2 ** Math.min(failures, 8)))
    }
  }

  /** Half of the places are for those that do not fail, three quarters for other tenants than the one that has most. */
  #limits(): ClaimLimits {
    const { concurrency, perWebhook, timeoutMs } = this.#parts.settings
    const half = Math.max(1, Math.floor(concurrency / 2))
    const quarter = Math.max(1, Math.ceil(concurrency / 4))
    const running = new Map<string, number>()
    let failing = 0
    for (const one of this.#running.values()) {
      running.set(one.tenantId, (running.get(one.tenantId) ?? 0) + 1)
      if (one.failing) failing += 1
    }
    return {
      most: concurrency - this.#running.size,
      mostFailing: half - failing,
      perTenant: quarter,
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
