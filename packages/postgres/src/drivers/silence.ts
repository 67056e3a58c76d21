/**
 * Tells once when somebody has waited for so long and nothing was heard. One timer that looks when it fires: to set it again with the
 * beginning and the end of every statement was 2 µs of each transaction.
 */
export class Silence {
  readonly #limitMs: number
  readonly #isAwaited: () => boolean
  readonly #tell: () => void
  #timer: NodeJS.Timeout | undefined
  #heardAt = 0
  #ended = false

  /** @param limitMs 0 waits for ever */
  constructor(limitMs: number, isAwaited: () => boolean, tell: () => void) {
    this.#limitMs = limitMs
    this.#isAwaited = isAwaited
    this.#tell = tell
  }

  /** Something was heard, or somebody begins to wait. */
  heard(): void {
    this.#heardAt = performance.now()
    if (!this.#timer && !this.#ended && this.#limitMs > 0) this.#lookIn(this.#limitMs)
  }

  end(): void {
    this.#ended = true
    clearTimeout(this.#timer)
  }

  #lookIn(milliseconds: number): void {
    this.#timer = setTimeout(() => this.#look(), milliseconds).unref()
  }

  #look(): void {
    this.#timer = undefined
    if (this.#ended || !this.#isAwaited()) return
    const left = this.#limitMs - (performance.now() - this.#heardAt)
    if (left > 0) this.#lookIn(left)
    else {
      this.#ended = true
      this.#tell()
    }
  }
}
