/** How long each goes by himself after a statement of several was refused, in milliseconds; twice as long after each further one. */
const FIRST_MS = 50
const MOST_REFUSALS = 10

/**
 * Whether several in one statement are worth it: one that is refused is done in vain, and each is done again. Now and then is little
 * beside what the others spare; time after time, it would double the work of the database.
 */
export class Trust {
  readonly #now: () => number
  #refusals = 0
  #aloneUntil = -Infinity

  /** @param now milliseconds of a clock that only runs forward */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  get holds(): boolean {
    return this.#now() >= this.#aloneUntil
  }

  refused(): void {
    this.#aloneUntil = this.#now() + FIRST_MS * 2 ** this.#refusals
    this.#refusals = Math.min(this.#refusals + 1, MOST_REFUSALS)
  }

  done(): void {
    this.#refusals = Math.max(0, this.#refusals - 1)
  }
}
