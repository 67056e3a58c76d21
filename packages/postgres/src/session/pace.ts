/** Rows of one statement, at most. */
export const MOST_ROWS = 32
/** How much longer than one row's a statement of several may take, in milliseconds; or half as long again, where that is more. */
const LONGER_MS = 10
/** How long rows go by themselves once several took too long, in milliseconds. */
const ALONE_MS = 1_000

/**
 * How many rows of a resource go in one statement. Where a row is dear (an index of vectors, a slow trigger), several in one statement are
 * a line behind one connection, and many connections are faster; where the statement is what costs, it is the other way round. What a
 * further row adds to a statement's time tells them apart, however busy the server is.
 */
export class Pace {
  #alone: number | undefined
  #most = 8
  #aloneUntil = 0

  /** Rows that a statement may have now; 1 is each by itself. */
  get most(): number {
    return this.#most > 1 || Date.now() >= this.#aloneUntil ? Math.max(2, this.#most) : 1
  }

  /** Tells how long a statement took, in milliseconds. */
  took(rows: number, milliseconds: number): void {
    if (rows === 1) {
      this.#alone = this.#alone === undefined ? milliseconds : this.#alone * 0.9 + milliseconds * 0.1
      return
    }
    const one = this.#alone ?? 0
    const eachMore = Math.max(0, milliseconds - one) / (rows - 1)
    const fit = 1 + Math.floor(Math.max(LONGER_MS, one / 2) / Math.max(eachMore, LONGER_MS / MOST_ROWS))
    // Twice as many as were tried, at most: what is not known yet is found out step by step.
    this.#most = Math.min(fit, MOST_ROWS, Math.max(this.#most, 2 * rows))
    if (this.#most === 1) this.#aloneUntil = Date.now() + ALONE_MS
  }
}
