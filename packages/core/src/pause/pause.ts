/** Not at once: under load every job would ask for a look of its own. */
const SHORT_MS = 2

/** A pause that can be cut short. Its timer keeps no process alive. */
export class Pause {
  #resolve: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #shortened = false
  #skipped = false
  #ended = false

  wait(milliseconds: number): Promise<void> {
    if (this.#ended) return Promise.resolve()
    return new Promise((resolve) => {
      this.#resolve = resolve
      if (this.#skipped) this.#done()
      else this.#arm(this.#shortened ? Math.min(SHORT_MS, milliseconds) : milliseconds)
    })
  }

  /** This one, or the next where none is on. */
  shorten(): void {
    if (this.#shortened) return
    this.#shortened = true
    if (this.#resolve) this.#arm(SHORT_MS)
  }

  /** This one, or the next where none is on: at once. */
  skip(): void {
    this.#shortened = true
    this.#skipped = true
    if (this.#resolve) this.#done()
  }

  /** This one and all that follow. */
  end(): void {
    this.#ended = true
    this.#done()
  }

  #arm(milliseconds: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#done(), milliseconds).unref()
  }

  #done(): void {
    clearTimeout(this.#timer)
    this.#shortened = false
    this.#skipped = false
    this.#resolve?.()
    this.#resolve = undefined
  }
}
