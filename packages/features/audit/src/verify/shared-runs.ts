import { problem } from '@plinth/core'

/** Calls of one chain that wait at once in this process: each is a request in flight, of which there are so many for all tenants. */
const MOST_WAITING = 10
/** Seconds after which one who was turned away may come again. */
const RETRY_AFTER = '5'

/**
 * Work that reads a whole chain, for many who ask: one run at a time, and one more that all share who come meanwhile. What was committed before
 * somebody asked is in what he gets, and however many ask, the chain is read twice at most.
 */
export class SharedRuns<T> {
  readonly #running = new Map<string, Promise<T>>()
  readonly #next = new Map<string, Promise<T>>()
  readonly #waiting = new Map<string, number>()

  /** @throws rate_limited where too many wait already */
  async run(chain: string, work: () => Promise<T>): Promise<T> {
    const others = this.#waiting.get(chain) ?? 0
    if (others >= MOST_WAITING)
      throw problem('rate_limited', {
        detail: `At most ${MOST_WAITING} wait for it at a time.`,
        headers: { 'retry-after': RETRY_AFTER },
      })
    this.#waiting.set(chain, others + 1)
    try {
      return await this.#turn(chain, work)
    } finally {
      const left = this.#waiting.get(chain)! - 1
      if (left > 0) this.#waiting.set(chain, left)
      else this.#waiting.delete(chain)
    }
  }

  #turn(chain: string, work: () => Promise<T>): Promise<T> {
    const running = this.#running.get(chain)
    if (!running) return this.#start(chain, work)
    const begin = (): Promise<T> => {
      this.#next.delete(chain)
      return this.#start(chain, work)
    }
    const next = this.#next.get(chain) ?? running.then(begin, begin)
    this.#next.set(chain, next)
    return next
  }

  #start(chain: string, work: () => Promise<T>): Promise<T> {
    const mine = work().finally(() => {
      // Whoever comes before the next run has begun shares that one.
      if (!this.#next.has(chain)) this.#running.delete(chain)
    })
    this.#running.set(chain, mine)
    return mine
  }
}
