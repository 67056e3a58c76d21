import { availableParallelism } from 'node:os'
import { problem } from '@plinth/core'

/**
 * Runs a few hashes at once and lets some more wait. A hash takes 30 ms of a core and 19 MiB: without a bound, a thousand
 * logins at once take 19 GB, and a stranger may send them.
 */
export class HashQueue {
  readonly #parallel: number
  readonly #waiting: number
  readonly #queue: (() => void)[] = []
  #running = 0

  /**
   * @param parallel default: the number of cores, at most 3, because Node has four threads for files, names and hashes
   * @param waiting how many more may wait; default 32 for each that runs, a second's work
   */
  constructor(parallel = Math.min(availableParallelism(), 3), waiting = 32 * parallel) {
    this.#parallel = Math.max(1, parallel)
    this.#waiting = waiting
  }

  /** In the order of the calls. @throws unavailable (503, Retry-After) at once where too many wait already */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#parallel) this.#running += 1
    else await this.#turn()
    try {
      return await work()
    } finally {
      // The place is handed over, not given back: whoever calls in between would jump the queue, and be one too many.
      const next = this.#queue.shift()
      if (next) next()
      else this.#running -= 1
    }
  }

  #turn(): Promise<void> {
    if (this.#queue.length >= this.#waiting)
      throw problem('unavailable', {
        detail: 'Too many passwords are being checked. Try again in a moment.',
        headers: { 'retry-after': '1' },
      })
    return new Promise((resolve) => this.#queue.push(resolve))
  }
}
