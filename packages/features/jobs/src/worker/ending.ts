/**
 * How one run is ended from outside: by its time, because it was cancelled, or because the process ends. Nearly none is, and most do not ask:
 * a signal with its listeners is made where somebody wants one (two of them were 3 % of what a small job takes in Node).
 */
export class Ending {
  #ended: { readonly reason: unknown } | undefined
  #controller: AbortController | undefined
  readonly #tells = new Set<(reason: unknown) => void>()

  /** Once; whoever ends it again is late. */
  end(reason: unknown): void {
    if (this.#ended) return
    this.#ended = { reason }
    for (const tell of this.#tells) tell(reason)
    this.#tells.clear()
    this.#controller?.abort(reason)
  }

  /** @throws what it was ended for */
  throwIfEnded(): void {
    if (this.#ended) throw this.#ended.reason
  }

  get ended(): boolean {
    return this.#ended !== undefined
  }

  /** For what knows signals alone. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#ended) this.#controller.abort(this.#ended.reason)
    return this.#controller.signal
  }

  /** Tells once, at once where it is ended already. What comes back takes the call away. */
  onEnd(tell: (reason: unknown) => void): () => void {
    if (this.#ended) tell(this.#ended.reason)
    else this.#tells.add(tell)
    return () => this.#tells.delete(tell)
  }
}

/**
 * What `work` comes to, or what it was ended for, before it began or while it does not heed it. Inside a transaction too: it is rolled
 * back at once, where it would keep its locks from the next attempt and from its neighbours for as long as `work` goes on.
 */
export function unlessEnded<T>(ending: Ending, work: () => T | Promise<T>): Promise<T> {
  // By hand: a race of promises and an async function around it are a dozen promises more for each job.
  return new Promise((resolve, reject) => {
    ending.throwIfEnded()
    const forget = ending.onEnd(reject)
    const fail = (error: unknown): void => {
      forget()
      reject(error as Error)
    }
    try {
      const given = work()
      const settle = (value: T): void => {
        forget()
        resolve(value)
      }
      // Another library's promise, too.
      Promise.resolve(given).then(settle, fail)
    } catch (error) {
      fail(error)
    }
  })
}
