import type { Printed } from './statement.ts'

/**
 * Texts that may be prepared at a time, and more for each resource: a hundred busy resources are no attack. Each costs 26 KB in
 * each backend that used it and 19 KB in Node, and postgres.js evicts none.
 */
const MOST_PREPARED = 256
const MORE_PER_RESOURCE = 7
/** Of these, at most so many whose shape a stranger chose: his filters cannot push out the reads of everybody else. */
const MOST_VARIED = 192
const VARIED_PER_RESOURCE = 4
/** Texts whose sightings are counted. */
const MOST_COUNTED = 4096
const SIGHTINGS = 2
/** Connections are recycled about then, and with them what they have prepared. */
const FORGET_AFTER = 30 * 60_000

/**
 * Decides which texts are prepared: the few fixed ones of each resource at once, others when they come a second time, and
 * never more than a bounded number. What is not admitted runs unprepared, which is slower and costs no memory.
 */
export class ShapeCache {
  readonly #admitted = new Set<string>()
  readonly #seen = new Map<string, number>()
  readonly #now: () => number
  readonly #mostPrepared: number
  readonly #mostVaried: number
  #varied = 0
  #since: number

  /**
   * @param resources how many resources the platform has
   * @param now milliseconds of a clock that only runs forward
   */
  constructor(resources = 0, now: () => number = () => performance.now()) {
    this.#mostPrepared = MOST_PREPARED + MORE_PER_RESOURCE * resources
    this.#mostVaried = MOST_VARIED + VARIED_PER_RESOURCE * resources
    this.#now = now
    this.#since = now()
  }

  /** Whether this statement is to be prepared. */
  admit({ text, shape }: Printed): boolean {
    if (shape === 'once') return false
    if (this.#now() - this.#since > FORGET_AFTER) this.#forget()
    if (this.#admitted.has(text)) return true
    if (this.#admitted.size >= this.#mostPrepared) return false
    if (shape === 'varied') {
      if (this.#varied >= this.#mostVaried || !this.#isCommon(text)) return false
      this.#varied += 1
    }
    this.#admitted.add(text)
    return true
  }

  get size(): number {
    return this.#admitted.size
  }

  #isCommon(text: string): boolean {
    const sightings = (this.#seen.get(text) ?? 0) + 1
    if (sightings >= SIGHTINGS) return this.#seen.delete(text) || true
    if (this.#seen.size >= MOST_COUNTED) this.#seen.clear()
    this.#seen.set(text, sightings)
    return false
  }

  #forget(): void {
    this.#since = this.#now()
    this.#admitted.clear()
    this.#seen.clear()
    this.#varied = 0
  }
}
