import type { Histogram } from '../metrics/series.ts'

/** How often it is looked, and how much of the new look goes into what is remembered: half of it is new after 100 ms. */
const EVERY_MS = 50
const WEIGHT = 0.3

/**
 * How late this process is: a timer that should have rung and could not, since the one thread was busy. Smoothed, so that one long
 * computation is not taken for too much work.
 */
export class EventLoop {
  readonly #observed: Histogram
  #lagMs = 0
  #timer: NodeJS.Timeout | undefined

  constructor(observed: Histogram) {
    this.#observed = observed
  }

  /** Milliseconds. */
  get lagMs(): number {
    return this.#lagMs
  }

  start(): void {
    if (this.#timer) return
    let expected = performance.now() + EVERY_MS
    const look = (): void => {
      const now = performance.now()
      this.late(Math.max(0, now - expected))
      expected = now + EVERY_MS
    }
    // A process that has nothing else to do may end.
    this.#timer = setInterval(look, EVERY_MS).unref()
  }

  /** One look: so many milliseconds late. */
  late(milliseconds: number): void {
    this.#lagMs += (milliseconds - this.#lagMs) * WEIGHT
    this.#observed.observe({}, milliseconds / 1_000)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
