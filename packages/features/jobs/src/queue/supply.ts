import type { Delivery } from './deliveries.ts'
import type { Line } from './line.ts'
import type { Queue } from './queue.ts'

/** How often the queue is looked at by the only worker, who puts nothing there: whoever led before may have been late. */
const LOOK_MS = 5_000

export interface Taken {
  readonly deliveries: readonly Delivery[]
  /** How many of them, the first ones, are rows of the queue. */
  readonly queued: number
}

export interface SupplyParts {
  readonly queue: Pick<Queue, 'take'>
  readonly line: Line
}

/** Where a worker takes its jobs from: what is in the queue came before what is in the line. */
export class Supply {
  readonly #parts: SupplyParts
  #looked = 0
  /** Nothing is in the queue, and nobody puts anything there. */
  isQueueEmpty = false

  constructor(parts: SupplyParts) {
    this.#parts = parts
  }

  async take(most: number): Promise<Taken> {
    const { queue, line } = this.#parts
    let queued: readonly Delivery[] = []
    if (!this.isQueueEmpty || performance.now() - this.#looked > LOOK_MS) {
      this.#looked = performance.now()
      try {
        queued = await queue.take(most)
      } catch (error) {
        // What it gave may be nowhere now: whoever leads looks for it.
        this.isQueueEmpty = false
        throw error
      }
    }
    return { deliveries: [...queued, ...line.take(most - queued.length)], queued: queued.length }
  }

  /** Waits until what was taken is claimed. Where that fails it is put back: who claims it then finds out whether it was. */
  async claimed<T>(deliveries: readonly Delivery[], claiming: Promise<T>): Promise<T> {
    const { line } = this.#parts
    try {
      const claimed = await claiming
      line.claimed(deliveries)
      return claimed
    } catch (error) {
      line.putBack(deliveries)
      throw error
    }
  }
}
