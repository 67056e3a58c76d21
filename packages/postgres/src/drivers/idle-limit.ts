import { DriverError } from '../errors/driver-error.ts'

/**
 * The end of a transaction that sends nothing, where no server ends it (`idle_in_transaction_session_timeout`). The embedded database has one
 * session: a `work` that waits for something that never comes would be the last that anybody did with it.
 */
export class IdleLimit {
  readonly #milliseconds: number
  #running = 0
  #timer: NodeJS.Timeout | undefined
  #tell: ((error: DriverError) => void) | undefined

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds
  }

  /** Tells once when nothing was sent for so long; the result takes the callback away. */
  watch(tell: (error: DriverError) => void): () => void {
    this.#tell = tell
    this.#wait()
    return () => {
      this.#tell = undefined
      clearTimeout(this.#timer)
    }
  }

  /** A statement: as long as it runs, the transaction is not idle. */
  async during<T>(statement: () => Promise<T>): Promise<T> {
    clearTimeout(this.#timer)
    this.#running += 1
    try {
      return await statement()
    } finally {
      this.#running -= 1
      this.#wait()
    }
  }

  #wait(): void {
    if (this.#running > 0 || !this.#tell) return
    this.#timer = setTimeout(() => {
      const words = `The transaction sent nothing for ${this.#milliseconds} ms and was rolled back`
      this.#tell?.(new DriverError('transaction_idle', words))
    }, this.#milliseconds)
  }
}
