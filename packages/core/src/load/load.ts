import { problem } from '../errors/plinth-error.ts'
import { logEvents } from '../logging/events.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Counter } from '../metrics/series.ts'
import type { Logger } from '../ports/logger.ts'
import { EventLoop, LOOK_MS } from './event-loop.ts'

export interface LoadLimits {
  /** Requests that may be in flight in this process; the next one is answered 503. */
  readonly inFlight: number
  /** Milliseconds that the event loop may be late, and a statement wait for its connection, before fewer are let in. */
  readonly congestion: number
}

/**
 * So many may be in flight however congested it is: a burst of clients that all want one row wait for each other, and are answered. Of 120
 * at once, one in eight was turned away while the machine had other work and this was 100.
 */
const LEAST = 250
/** And as many as are answered in so many seconds: what comes in one burst, while the process was held up, is answered soon. */
const SOON = 0.5
/** The best second is forgotten by and by: half of it after 35. */
const FORGET = 0.98
/** How the number of those that are let in changes, at every look: fast down, slowly up, so that it stays near what can be done. */
const DOWN = 0.8
const UP = 0.05
const TOLD_EVERY_MS = 10_000
/** The same one for all: its stack says nothing, and taking it was a third of what turning a request away cost. */
const refusal = problem('overloaded', { headers: { 'retry-after': '1' } })

interface LoadParts {
  readonly limits: LoadLimits
  readonly log: Logger
  readonly metrics: Metrics
  /** How long the statement that is next has waited for a connection, in milliseconds. */
  readonly waitedMs: () => number
}

/**
 * What this process is busy with. Beyond what it can do, requests are turned away before anything is done for them: those that are let
 * in are answered as fast as ever, where all would otherwise wait for so long that nobody waits for them any more.
 */
export class Load {
  readonly #limits: LoadLimits
  readonly #log: Logger
  readonly #loop: EventLoop
  readonly #shed: Counter
  #inFlight = 0
  #admitted: number
  #isEnding = false
  #whenIdle: (() => void)[] = []
  #turnedAway = 0
  /** Since the last look. */
  #letIn = 0
  #refused = 0
  #answered = 0
  #elapsedMs = 0
  #best = 0
  #toldAt = -Infinity

  constructor({ limits, log, metrics, waitedMs }: LoadParts) {
    this.#limits = limits
    this.#admitted = limits.inFlight
    this.#log = log
    this.#shed = metrics.counter({
      name: 'plinth_http_requests_shed_total',
      help: 'Requests that were answered 503 because there were too many.',
    })
    this.#loop = new EventLoop(
      metrics.histogram({
        name: 'plinth_event_loop_lag_seconds',
        help: 'How late the event loop was, looked at twenty times a second.',
      }),
      (lagMs) => this.looked(lagMs, waitedMs()),
    )
    metrics.add({
      name: 'plinth_http_requests_admitted',
      help: 'How many requests may be in flight now; falls below the limit where there is congestion.',
      type: 'gauge',
      read: () => [{ value: this.admitted }],
    })
    metrics.add({
      name: 'plinth_http_requests_in_flight',
      help: 'Requests that are being answered.',
      type: 'gauge',
      read: () => [{ value: this.#inFlight }],
    })
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** False once the process has begun to end. */
  get isServing(): boolean {
    return !this.#isEnding
  }

  /** How many may be in flight now: as many as the limit says, fewer where there is congestion. */
  get admitted(): number {
    return Math.floor(this.#admitted)
  }

  /** A request is here. Every one is followed by {@link left}. */
  entered(): void {
    this.#loop.start()
    this.#inFlight += 1
    this.#letIn += 1
  }

  left(): void {
    this.#inFlight -= 1
    this.#answered += 1
    if (this.#inFlight === 0) for (const tell of this.#whenIdle.splice(0)) tell()
  }

  /** Whether there are more requests than may be in flight. Asked by each of them. */
  get isBusy(): boolean {
    return this.#inFlight > this.#admitted
  }

  /**
   * Turns a request away, where it is too busy.
   * @throws overloaded
   */
  refuseExcess(): void {
    this.#shed.add({})
    this.#turnedAway += 1
    this.#refused += 1
    this.#letIn -= 1
    this.#answered -= 1
    const now = performance.now()
    if (now - this.#toldAt >= TOLD_EVERY_MS) {
      // Not each of them: what is too much to answer is too much to log.
      this.#log.warn(logEvents.requestsShed, { inFlight: this.#inFlight, turnedAway: this.#turnedAway })
      this.#toldAt = now
      this.#turnedAway = 0
    }
    throw refusal
  }

  /**
   * One look: the event loop was so many milliseconds late, the next statement has waited so many for a connection. What has come in
   * faster than it can be done waits in one of these two lines. An event loop that is late with more turning away than answering
   * would not be sooner for letting in fewer: each request needs several turns of it, so that fewer would be answered.
   */
  looked(lagMs: number, waitedMs: number): void {
    this.#count(LOOK_MS + lagMs)
    const { inFlight, congestion } = this.#limits
    const least = Math.min(inFlight, Math.max(LEAST, this.#best * SOON))
    const [letIn, refused] = [this.#letIn, this.#refused]
    this.#letIn = this.#refused = 0
    if (waitedMs <= congestion && lagMs > congestion && refused > letIn) return
    if (Math.max(lagMs, waitedMs) <= congestion) {
      this.#admitted = Math.min(inFlight, this.#admitted + Math.max(1, this.#admitted * UP))
      return
    }
    // From what there is and not from what there might be: what is far above it would take long to come down.
    this.#admitted = Math.max(least, Math.min(this.#admitted, Math.max(this.#inFlight, least)) * DOWN)
  }

  /** How many were answered in the best second, so that a bad one does not make the next one worse. */
  #count(elapsedMs: number): void {
    this.#elapsedMs += elapsedMs
    if (this.#elapsedMs < 1_000) return
    this.#best = Math.max(this.#best * FORGET, (this.#answered * 1_000) / this.#elapsedMs)
    this.#elapsedMs = this.#answered = 0
  }

  /** From now on it is not serving. Resolves when nothing is in flight, or after `graceMs`: with how many are left. */
  async drain(graceMs: number): Promise<number> {
    this.#isEnding = true
    if (this.#inFlight === 0) return 0
    let timer: NodeJS.Timeout | undefined
    await Promise.race([
      new Promise<void>((resolve) => this.#whenIdle.push(resolve)),
      new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs))),
    ])
    clearTimeout(timer)
    return this.#inFlight
  }

  stop(): void {
    this.#loop.stop()
  }
}
