import { logEvents, storedText, traceIdOf, type Attachment, type Logger } from '@plinth/core'
import type { Driver } from '../drivers/driver.ts'
import { asLeader } from './leadership.ts'
import { BATCH, dueEvents, markDelivered, markFailed, type DueEvent } from './outbox.ts'

export interface RelayOptions {
  /** Opens the connection of `plinth_system`, which sees all tenants' events. */
  readonly driver: () => Promise<Driver>
  readonly deliver: Attachment['deliver']
  readonly log: Logger
  /** Milliseconds between two looks when nothing pokes. */
  readonly pollMs?: number
  /** Milliseconds before the first repetition of a failed event; doubled each time. */
  readonly backoffMs?: number
  /** After so many attempts an event is set aside. */
  readonly mostAttempts?: number
  /** Milliseconds between two signs of life of the leader while it delivers. */
  readonly beatMs?: number
}

const POLL_MS = 500
/** Not at once: under load every write would ask for a look of its own. */
const POKE_MS = 10
const BACKOFF_MS = 1_000
const LONGEST_PAUSE_MS = 10_000
const LONGEST_BACKOFF_MS = 3_600_000
/** Some five hours: long enough for a receiver to come back, short enough to be noticed the same day. */
const MOST_ATTEMPTS = 16
/** The server ends a transaction that is idle for 30 s, and with it the leader's lock: a batch may take longer. */
const BEAT_MS = 10_000
/** Keys that are worked on side by side: one slow handler does not hold up every tenant. */
const LANES = 16

/**
 * Hands committed events on, at least once, in order per tenant and key. One process leads and works; the others look twice a
 * second whether it is gone. An event is marked after its delivery: a crash between the two delivers it again.
 */
export class Relay {
  readonly #options: RelayOptions
  #running: Promise<void> | undefined
  #stopping = false
  /** Ends the pause; shortens it. */
  #wake: (() => void) | undefined
  #hurry: (() => void) | undefined
  #poked = false
  #leading = false
  #lost = false

  constructor(options: RelayOptions) {
    this.#options = options
  }

  get #pollMs(): number {
    return this.#options.pollMs ?? POLL_MS
  }

  /** Whether this process is the one that hands on. */
  get isLeading(): boolean {
    return this.#leading
  }

  start(): void {
    if (this.#stopping) return
    this.#running ??= this.#run()
  }

  /** There is something to hand on: look soon instead of at the next turn. Only the leader would find it. */
  poke(): void {
    if (!this.#leading || this.#poked) return
    this.#poked = true
    this.#hurry?.()
  }

  /** Lets the deliveries that have begun end, and resolves when nothing of the relay is left running. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#wake?.()
    await this.#running
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#stopping) {
      let working: Promise<void> | undefined
      try {
        const driver = await this.#options.driver()
        await asLeader(driver, (check) => (working = this.#work(driver, check)))
        failures = 0
      } catch (error) {
        failures += 1
        this.#options.log.warn(logEvents.relayInterrupted, { error })
      }
      // Where the lock was lost in the middle of a batch: two batches of one process side by side would break the order.
      await working?.catch(() => undefined)
      this.#leading = false
      this.#poked = false
      // A database that is away is asked, and complained of, ever more rarely.
      await this.#pause(Math.min(LONGEST_PAUSE_MS, this.#pollMs * 2 ** Math.min(failures, 16)))
    }
  }

  async #work(driver: Driver, check: () => Promise<void>): Promise<void> {
    this.#leading = true
    this.#lost = false
    const beat = setInterval(() => void check().catch(() => (this.#lost = true)), this.#options.beatMs ?? BEAT_MS)
    try {
      while (!this.#stopping) {
        await check()
        this.#poked = false
        const due = await dueEvents(driver)
        await this.#deliverAll(driver, due)
        if (due.length < BATCH) await this.#pause()
      }
    } finally {
      clearInterval(beat)
    }
  }

  /** The events of one key one after the other, keys side by side. */
  async #deliverAll(driver: Driver, due: readonly DueEvent[]): Promise<void> {
    const lanes = new Map<string, DueEvent[]>()
    for (const one of due) {
      const key = `${one.event.tenantId}|${one.event.key}`
      const lane = lanes.get(key)
      if (lane) lane.push(one)
      else lanes.set(key, [one])
    }
    const waiting = lanes.values()
    const worker = async (): Promise<void> => {
      for (const lane of waiting) await this.#deliverLane(driver, lane)
    }
    await settleAll(Array.from({ length: Math.min(LANES, lanes.size) }, worker))
  }

  async #deliverLane(driver: Driver, lane: readonly DueEvent[]): Promise<void> {
    for (const due of lane) {
      // Without the lock another one delivers by now: what has begun ends, and nothing is begun.
      if (this.#stopping || this.#lost) return
      let marked: boolean
      try {
        marked = await this.#options.deliver(due.event, due.handled)
      } catch (error) {
        // What came later under this key waits for it, unless that was its last attempt.
        if (!(await this.#failed(driver, due, error))) return
        continue
      }
      if (!marked) await markDelivered(driver, due.event)
    }
  }

  /** Whether the event was set aside. */
  async #failed(driver: Driver, { event, attempts }: DueEvent, error: unknown): Promise<boolean> {
    const { log, mostAttempts = MOST_ATTEMPTS } = this.#options
    const delay = this.#delay(attempts)
    const reason = storedText(error instanceof Error ? error.message : String(error), 1_000)
    const parked = await markFailed(driver, event, { reason, delay, mostAttempts })
    const { type, id: eventId, tenantId, requestId, traceparent } = event
    const trace = traceparent === undefined ? {} : { traceId: traceIdOf(traceparent) }
    const told = { error, type, eventId, tenantId, requestId, ...trace, attempts: attempts + 1 }
    if (parked) log.error(logEvents.eventParked, told)
    else log.warn(logEvents.relayDeliveryFailed, { ...told, retryInMs: delay })
    return parked
  }

  /** Doubled each time, and never the same for all that failed at once: they would come back at once. */
  #delay(attempts: number): number {
    const doubled = (this.#options.backoffMs ?? BACKOFF_MS) * 2 ** Math.min(attempts, 32)
    return Math.round(Math.min(LONGEST_BACKOFF_MS, doubled) * (0.75 + Math.random() / 2))
  }

  /** Until the next turn, a poke or the stop. The timer keeps no process alive. */
  async #pause(milliseconds = this.#pollMs): Promise<void> {
    if (this.#stopping) return
    await new Promise<void>((resolve) => {
      let timer = setTimeout(resolve, this.#poked ? POKE_MS : milliseconds).unref()
      this.#hurry = () => {
        clearTimeout(timer)
        timer = setTimeout(resolve, POKE_MS).unref()
      }
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = undefined
    this.#hurry = undefined
  }
}

/** Rejects with the first error, but only when all have ended: none goes on behind the back of `stop`. */
async function settleAll(all: readonly Promise<void>[]): Promise<void> {
  for (const one of await Promise.allSettled(all)) if (one.status === 'rejected') throw one.reason
}
