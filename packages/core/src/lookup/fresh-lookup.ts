/** How long an answer may be used again. Whoever revokes, suspends or removes waits at most this long, in every process. */
export const FRESH_MS = 1_000
/** From this age on, the next use asks again. */
const RENEWED_AT_MS = 750
const MOST_KEPT = 20_000
/** In one statement: 5,000 take PostgreSQL some 30 ms. */
const MOST_AT_ONCE = 5_000

interface Kept<V> {
  readonly at: number
  readonly answer: Promise<V | undefined>
  /** Whether somebody used it again since it was asked for: whoever did will do so in the next second too. */
  used: boolean
  renewing: boolean
}

export interface FreshLookupOptions<V> {
  /** Asks for many at once; what is not in the answer is not there. */
  readonly ask: (keys: readonly string[]) => Promise<ReadonlyMap<string, V>>
  /** Milliseconds of a clock that only runs forward. */
  readonly now?: () => number
}

/**
 * Answers that nearly every request asks for (tenant, session, membership), each kept for a second, found or not. Shortly before
 * they run out, all that are in use are asked for in one statement: with 10,000 busy keys, a statement for each would double the
 * cost of a request. An answer that came back is never older than a second, so what was revoked is refused after that second in
 * every process; the process that revokes calls {@link FreshLookup.forget} and refuses at once.
 */
export class FreshLookup<V> {
  readonly #kept = new Map<string, Kept<V>>()
  readonly #ask: FreshLookupOptions<V>['ask']
  readonly #now: () => number

  constructor({ ask, now = () => performance.now() }: FreshLookupOptions<V>) {
    this.#ask = ask
    this.#now = now
  }

  find(key: string): Promise<V | undefined> {
    const known = this.#kept.get(key)
    const age = known ? this.#now() - known.at : FRESH_MS
    if (!known || age >= FRESH_MS) return this.#askFor(key)
    known.used = true
    if (age >= RENEWED_AT_MS && !known.renewing) this.#renewAhead()
    return known.answer
  }

  /** Drops one answer, or all. What is being asked for at this moment is dropped as well. */
  forget(key?: string): void {
    if (key === undefined) this.#kept.clear()
    else this.#kept.delete(key)
  }

  #askFor(key: string): Promise<V | undefined> {
    const at = this.#now()
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear()
    const answer = this.#ask([key]).then((found) => found.get(key))
    const own: Kept<V> = { at, answer, used: false, renewing: false }
    this.#kept.set(key, own)
    answer.catch(() => {
      // A failure is not an answer.
      if (this.#kept.get(key) === own) this.#kept.delete(key)
    })
    return answer
  }

  /** While the old answers still serve, so that nobody waits, and all in one statement. */
  #renewAhead(): void {
    const at = this.#now()
    const due = this.#dueBefore(at - FRESH_MS / 2)
    this.#ask([...due.keys()]).then(
      (found) => {
        for (const [key, before] of due) {
          // Forgotten meanwhile, or asked for anew: this answer is the older one.
          if (this.#kept.get(key) !== before) continue
          this.#kept.set(key, { at, answer: Promise.resolve(found.get(key)), used: false, renewing: false })
        }
      },
      () => {
        // A failure is not an answer: whoever comes after the second asks, and is told.
        for (const before of due.values()) before.renewing = false
      },
    )
  }

  /** Those in use that were asked for before that time; who was not used since is dropped. */
  #dueBefore(time: number): ReadonlyMap<string, Kept<V>> {
    const due = new Map<string, Kept<V>>()
    for (const [key, kept] of this.#kept) {
      if (kept.at > time || kept.renewing) continue
      if (!kept.used) this.#kept.delete(key)
      else if (due.size < MOST_AT_ONCE) due.set(key, kept)
    }
    for (const kept of due.values()) kept.renewing = true
    return due
  }
}
