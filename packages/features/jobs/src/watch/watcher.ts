/** `changed`: the row may be another one than at the last call. `over`: nobody looks any more. */
export type Seen = 'changed' | 'quiet' | 'over'

export interface Watcher {
  /** Waits until something is seen, `milliseconds` at most. Never rejects. */
  next(milliseconds: number): Promise<Seen>
  leave(): void
}

/** What is told while nobody waits is kept for the next call. */
export class OneWatcher implements Watcher {
  readonly #onLeave: () => void
  #isTold = false
  #isOver = false
  #wake: (() => void) | undefined

  constructor(onLeave: () => void) {
    this.#onLeave = onLeave
  }

  async next(milliseconds: number): Promise<Seen> {
    if (!this.#isTold && !this.#isOver)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    if (this.#isOver) return 'over'
    const seen = this.#isTold ? 'changed' : 'quiet'
    this.#isTold = false
    return seen
  }

  tell(): void {
    this.#isTold = true
    this.#wake?.()
  }

  leave(): void {
    this.#isOver = true
    this.#wake?.()
    this.#onLeave()
  }
}
