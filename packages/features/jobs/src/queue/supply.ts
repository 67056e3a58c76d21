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
  /** Whether nobody else takes jobs, and what is handed over is in the line alone. */
  readonly alone: () => boolean
}

/** Where a worker takes its jobs from: what is in the queue came before what is in the line. */
export class Supply {
  readonly #parts: SupplyParts
  #mayHold = true
  #looked = 0

  constructor(parts: SupplyParts) {
    this.#parts = parts
  }

  /** Nothing is in the queue, and nobody puts anything there. */
  get isQueueEmpty(): boolean {
    return !this.#mayHold && this.#parts.alone()
  }

  async take(most: number): Promise<Taken> {
    const { queue, line, alone } = this.#parts
    if (!alone() || performance.now() - this.#looked > LOOK_MS) this.#mayHold = true
    let queued: readonly Delivery[] = []
    if (this.#mayHold) {
      this.#looked = performance.now()
      queued = await queue.take(most)
      if (queued.length < most && alone()) this.#mayHold = false
    }
    return { deliveries: [...queued, ...line.take(most - queued.length)], queued: queued.length }
  }
}
