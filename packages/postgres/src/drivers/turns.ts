import { DriverError } from '../errors/driver-error.ts'

export interface TurnLimits {
  /** How many may wait. */
  readonly maxQueue: number
  /** And how long, in milliseconds. */
  readonly maxWaitMs: number
}

/** One at a time, in order of arrival, and a bounded line: what the pool is for a server, this is for the embedded one. */
export class Turns {
  readonly #limits: TurnLimits
  readonly #line: { readonly go: () => void; readonly refuse: (error: DriverError) => void }[] = []
  #taken = false
  #closed: DriverError | undefined

  constructor(limits: TurnLimits) {
    this.#limits = limits
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
    const { maxQueue, maxWaitMs } = this.#limits
    if (this.#line.length >= maxQueue)
      return Promise.reject(
        new DriverError('overloaded', `${maxQueue} statements wait for the embedded database already`),
      )
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#line.splice(this.#line.indexOf(waiting), 1)
        reject(new DriverError('overloaded', `The embedded database was not free within ${maxWaitMs} ms`))
      }, maxWaitMs)
      const settled =
        <A extends unknown[]>(settle: (...args: A) => void) =>
        (...args: A): void => {
          clearTimeout(timer)
          settle(...args)
        }
      const waiting = { go: settled(() => resolve()), refuse: settled(reject) }
      this.#line.push(waiting)
    })
  }
}
