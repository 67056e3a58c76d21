/** Rows of one statement, at most. */
const MOST_ROWS = 32
/** How much longer than one row's a statement of several may take, in milliseconds; or half as long again, where that is more. */
const LONGER_MS = 20
/** How long rows go by themselves once several took too long, in milliseconds. */
const ALONE_MS = 1_000
/** How old what is known of one row's statement may be, in milliseconds. */
const FRESH_MS = 250
/** One statement of a single row counts as no more than so many times what was usual before: it may have waited for a lock. */
const MOST_UNUSUAL = 4

/**
 * How many rows go in one statement. Where a row is dear (an index of vectors, a slow trigger), several in one statement are a line behind
 * one connection, and many connections are faster; where the statement is what costs, it is the other way round. What a further row adds to
 * a statement's time tells them apart, however busy the server is.
 */
export class Pace {
  readonly #now: () => number
  #one: number | undefined
  #oneAt = -Infinity
  #most = 8
  #aloneUntil = -Infinity
  /** When a statement ended that took too long. */
  #tooLongAt = Infinity

  /** @param now milliseconds of a clock that only runs forward */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Rows that a statement may have now; 1 is each by itself. */
  get most(): number {
    return this.#most === 1 && this.#now() >= this.#aloneUntil ? 2 : this.#most
  }

  /** Whether a single row should go by itself once more, so that there is something to compare with. */
  get wantsOne(): boolean {
    return this.#now() - this.#oneAt > FRESH_MS
  }

  /** Tells how long a statement took, in milliseconds. */
  took(rows: number, milliseconds: number): void {
    if (rows === 1) {
      this.#oneAt = this.#now()
      const usual = this.#one ?? milliseconds
      this.#one = usual * 0.75 + Math.min(milliseconds, usual * MOST_UNUSUAL) * 0.25
      return
    }
    const one = this.#one ?? 0
    const eachMore = Math.max(0, milliseconds - one) / (rows - 1)
    const fit = 1 + Math.floor(Math.max(LONGER_MS, one / 2) / Math.max(eachMore, LONGER_MS / MOST_ROWS))
    if (fit >= rows) this.#tooLongAt = Infinity
    else if (this.#now() - milliseconds < this.#tooLongAt) {
      // Once is no rule: something else may have been in its way, and in that of all that ran beside it.
      this.#tooLongAt = Math.min(this.#tooLongAt, this.#now())
      return
    }
    // Twice as many as were tried, at most: what is not known yet is found out step by step.
    this.#most = Math.min(fit, MOST_ROWS, Math.max(this.#most, 2 * rows))
    if (this.#most === 1) this.#aloneUntil = this.#now() + ALONE_MS
  }
}
