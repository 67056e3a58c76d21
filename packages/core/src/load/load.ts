import { problem } from '../errors/plinth-error.ts'
import { logEvents } from '../logging/events.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Counter } from '../metrics/series.ts'
import type { Logger } from '../ports/logger.ts'
import { EventLoop } from './event-loop.ts'

export interface LoadLimits {
  /** Requests that may be in flight in this process; the next one is answered 503. */
  readonly inFlight: number
  /** Milliseconds that the event loop may be late before fewer are let in. */
  readonly loopLag: number
}

/** However late the event loop is, so many may be in flight: it is not they who make it late. */
const LEAST = 100
const TOLD_EVERY_MS = 10_000

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
  #isEnding = false
  #whenIdle: (() => void)[] = []
  #turnedAway = 0
  #toldAt = -Infinity

  constructor({
    limits,
    log,
    metrics,
  }: {
    readonly limits: LoadLimits
    readonly log: Logger
    readonly metrics: Metrics
  }) {
    this.#limits = limits
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
    )
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

  /** How many may be in flight now: as many as the limit says, and fewer in proportion as the event loop is late. */
  get admitted(): number {
    const { inFlight, loopLag } = this.#limits
    const { lagMs } = this.#loop
    if (lagMs <= loopLag) return inFlight
    return Math.max(Math.min(LEAST, inFlight), Math.floor((inFlight * loopLag) / lagMs))
  }

  /** A request is here. Every one is followed by {@link left}. */
  entered(): void {
    this.#loop.start()
    this.#inFlight += 1
  }

  left(): void {
    this.#inFlight -= 1
    if (this.#inFlight === 0) for (const tell of this.#whenIdle.splice(0)) tell()
  }

  /** Whether there are more requests than may be in flight. Asked by each of them. */
  get isBusy(): boolean {
    return this.#inFlight > LEAST ? this.#inFlight > this.admitted : this.#inFlight > this.#limits.inFlight
  }

  /**
   * Turns a request away, where it is too busy.
   * @throws overloaded
   */
  refuseExcess(): void {
    this.#shed.add({})
    this.#turnedAway += 1
    const now = performance.now()
    if (now - this.#toldAt >= TOLD_EVERY_MS) {
      // Not each of them: what is too much to answer is too much to log.
      this.#log.warn(logEvents.requestsShed, { inFlight: this.#inFlight, turnedAway: this.#turnedAway })
      this.#toldAt = now
      this.#turnedAway = 0
    }
    throw problem('overloaded', { headers: { 'retry-after': '1' } })
  }

  /** For tests and for what measures elsewhere: the event loop was so many milliseconds late. */
  late(milliseconds: number): void {
    this.#loop.late(milliseconds)
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
