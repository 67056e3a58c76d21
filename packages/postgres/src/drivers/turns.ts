import { DriverError } from '../errors/driver-error.ts'

/** One at a time, in order of arrival, and a bounded line: what the pool is for a server, this is for the embedded one. */
export class Turns {
  readonly #maxQueue: number
  readonly #line: { readonly go: () => void; readonly refuse: (error: DriverError) => void }[] = []
  #taken = false
  #closed: DriverError | undefined

  constructor(maxQueue: number) {
    this.#maxQueue = maxQueue
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    await this.#begin()
    try {
      return await work()
    } finally {
      const next = this.#line.shift()
      if (next) next.go()
      else this.#taken = false
    }
  }

  /** Refuses what waits and what comes, with `error`; resolves when nothing runs any more. */
  async close(error: DriverError): Promise<void> {
    this.#closed = error
    for (const waiting of this.#line.splice(0)) waiting.refuse(error)
    if (this.#taken) await new Promise<void>((go, refuse) => this.#line.push({ go, refuse }))
  }

  #begin(): Promise<void> {
    if (this.#closed) return Promise.reject(this.#closed)
    if (!this.#taken) {
      this.#taken = true
      return Promise.resolve()
    }
    if (this.#line.length >= this.#maxQueue) {
      return Promise.reject(
        new DriverError('overloaded', `${this.#maxQueue} statements wait for the embedded database already`),
      )
    }
    return new Promise((go, refuse) => this.#line.push({ go, refuse }))
  }
}
