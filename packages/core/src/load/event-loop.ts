import type { Histogram } from '../metrics/series.ts'

/** Milliseconds between two looks. */
export const LOOK_MS = 50

/** How late this process is: a timer that should have rung and could not, since the one thread was busy. */
export class EventLoop {
  readonly #observed: Histogram
  readonly #look: (lagMs: number) => void
  #timer: NodeJS.Timeout | undefined

  /** @param look told at each look how many milliseconds it was late */
  constructor(observed: Histogram, look: (lagMs: number) => void) {
    this.#observed = observed
    this.#look = look
  }

  start(): void {
    if (this.#timer) return
    let expected = performance.now() + LOOK_MS
    const ring = (): void => {
      const now = performance.now()
      const lagMs = Math.max(0, now - expected)
      expected = now + LOOK_MS
      this.#observed.observe({}, lagMs / 1_000)
      this.#look(lagMs)
    }
    // A process that has nothing else to do may end.
    this.#timer = setInterval(ring, LOOK_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
