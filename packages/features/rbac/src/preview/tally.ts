import type { RightsDifference } from './compare-decisions.ts'

/** What of one permission is another than before, in words: `every row`, `no row`, `status is "live"`. */
export interface AccessChange {
  readonly permission: string
  readonly before: string
  readonly after: string
}

/** What a change does to somebody, with the rows where it is about rows. */
export interface AccessDifference extends RightsDifference {
  readonly changes?: readonly AccessChange[]
}

/** What it would do to one member, service account or key. */
export interface HolderDifference extends AccessDifference {
  readonly kind: 'member' | 'service' | 'key'
  readonly id: string
}

export interface RolePreview {
  /** How many it is about, those whose rights stay as they are among them. */
  readonly holders: number
  readonly gaining: number
  readonly losing: number
  /** Those who gain or lose something, as many as were asked for: members, then service accounts and keys, by id. */
  readonly affected: readonly HolderDifference[]
}

/** Which of those who gain or lose something are told by name; all are counted. */
export interface PreviewWindow {
  /** Default: 0. */
  readonly offset?: number
  /** Default: 1,000. */
  readonly limit?: number
}

const MOST = 1_000

/** Counts everybody, and keeps those of one window alone: what is kept does not grow with the tenant. */
export class Tally {
  readonly #from: number
  readonly #to: number
  #holders = 0
  #gaining = 0
  #losing = 0
  #seen = 0
  readonly #affected: HolderDifference[] = []

  constructor({ offset = 0, limit = MOST }: PreviewWindow = {}) {
    this.#from = offset
    this.#to = offset + limit
  }

  add({ kind, id }: Pick<HolderDifference, 'kind' | 'id'>, difference: AccessDifference): void {
    const { gained, lost } = difference
    this.#holders += 1
    if (gained.length > 0) this.#gaining += 1
    if (lost.length > 0) this.#losing += 1
    if (gained.length + lost.length === 0) return
    if (this.#seen >= this.#from && this.#seen < this.#to) this.#affected.push({ kind, id, ...difference })
    this.#seen += 1
  }

  get preview(): RolePreview {
    return { holders: this.#holders, gaining: this.#gaining, losing: this.#losing, affected: this.#affected }
  }
}

/** Keeps what was compared for those to whom the same applies, for the last few thousand of such combinations. */
export class Compared<T> {
  readonly #known = new Map<string, T>()

  get(key: string): T | undefined {
    return this.#known.get(key)
  }

  set(key: string, value: T): T {
    if (this.#known.size >= 2_000) this.#known.clear()
    this.#known.set(key, value)
    return value
  }
}
