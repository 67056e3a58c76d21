/** Of how long the end of a job is remembered, in milliseconds. */
const MEMORY_MS = 100

/**
 * How many jobs end of late. Not how long one takes: of a process that does slow work beside much that is quick, the mean is slow, and the
 * quick would be taken one by one.
 */
export class Pace {
  readonly #now: () => number
  /** A millisecond, at {@link #at}. */
  #rate = 0
  #at = 0

  /** @param now milliseconds of a clock that only runs forward */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  ended(jobs: number): void {
    this.#rate = this.#current() + jobs / MEMORY_MS
    this.#at = this.#now()
  }

  /** How many end in so many milliseconds, where it goes on as it does. */
  within(milliseconds: number): number {
    return this.#current() * milliseconds
  }

  #current(): number {
    return this.#rate * Math.exp((this.#at - this.#now()) / MEMORY_MS)
  }
}
