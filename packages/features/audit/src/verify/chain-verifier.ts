import type { KeyObject } from 'node:crypto'
import { contentOf, hashOf, macOf, NO_HASH, type ChainedEntry, type ChainLink } from '../entry/chained-entry.ts'

/** What a chain was at some time, as a checkpoint remembers it. */
export interface ChainHead {
  readonly seq: number
  readonly hash: string
}

/**
 * What is wrong with an entry: it is not there (`missing`), its content is not what its hash says (`changed`), it was not written by
 * this platform (`forged`), or it is another one than when the checkpoint was made (`rewritten`). Of a chain in which nothing is wrong, that
 * what waits for it could not be put there (`unsealed`): the first entry that it has no place for.
 */
export type ChainFault = 'missing' | 'changed' | 'forged' | 'rewritten' | 'unsealed'

export interface ChainVerdict {
  readonly valid: boolean
  /** That were read, up to the first bad one. */
  readonly entries: number
  /** The number of the first entry that is wrong, or that is not there. */
  readonly firstBad?: number
  readonly reason?: ChainFault
  /** That an operator has said that he knows of it, and that everything since is right. */
  readonly acknowledged?: true
}

export interface VerifierOptions {
  readonly tenantId: string
  /** Undefined outside of the platform: what is signed there are checkpoints. */
  readonly macKey?: KeyObject | undefined
  /** What is known from outside of the database. */
  readonly checkpoints?: readonly ChainHead[] | undefined
  /** The entry before the first one; without it a chain begins with 1. */
  readonly after?: ChainHead | undefined
}

/** Checks a chain entry by entry, in the order of their numbers. */
export class ChainVerifier {
  readonly #options: VerifierOptions
  readonly #checkpoints: ReadonlyMap<number, ReadonlySet<string>>
  #last: ChainHead
  #entries = 0
  #fault: { readonly seq: number; readonly reason: ChainFault } | undefined

  constructor(options: VerifierOptions) {
    this.#options = options
    this.#last = options.after ?? { seq: 0, hash: NO_HASH }
    const checkpoints = new Map<number, Set<string>>()
    // Two of the same entry that differ: one of them was taken of another chain, and none is left out.
    for (const { seq, hash } of options.checkpoints ?? [])
      checkpoints.set(seq, (checkpoints.get(seq) ?? new Set()).add(hash))
    this.#checkpoints = checkpoints
  }

  /** @returns false when something was found: what comes after it proves nothing */
  take(entry: ChainedEntry): boolean {
    if (this.#fault) return false
    if (entry.tenantId !== this.#options.tenantId && entry.seq <= this.#last.seq + 1) {
      this.#entries += 1
      return this.#found(entry.seq, 'forged')
    }
    return this.takeLink({ seq: entry.seq, content: contentOf(entry.seq, entry), hash: entry.hash, mac: entry.mac })
  }

  /** The same of an entry of this tenant. */
  takeLink(link: ChainLink): boolean {
    if (this.#fault) return false
    this.#entries += 1
    const expected = this.#last.seq + 1
    if (link.seq > expected) return this.#found(expected, 'missing')
    if (link.seq < expected) return this.#found(link.seq, 'forged')
    const { macKey, tenantId } = this.#options
    const hash = hashOf(tenantId, this.#last.hash, link.content)
    // Both: a changed content has another hash, and a hash computed anew has no signature.
    if (hash !== link.hash) return this.#found(link.seq, 'changed')
    if (macKey && macOf(macKey, hash) !== link.mac) return this.#found(link.seq, 'forged')
    const remembered = this.#checkpoints.get(link.seq)
    if (remembered && (remembered.size > 1 || !remembered.has(hash))) return this.#found(link.seq, 'rewritten')
    this.#last = { seq: link.seq, hash }
    return true
  }

  /** When there are no more entries: is the chain as long as it was? */
  end(): ChainVerdict {
    const longest = Math.max(0, ...this.#checkpoints.keys())
    if (!this.#fault && longest > this.#last.seq) this.#found(this.#last.seq + 1, 'missing')
    if (!this.#fault) return { valid: true, entries: this.#entries }
    return { valid: false, entries: this.#entries, firstBad: this.#fault.seq, reason: this.#fault.reason }
  }

  /** The last entry that was found to be right. */
  get head(): ChainHead {
    return this.#last
  }

  #found(seq: number, reason: ChainFault): false {
    this.#fault = { seq, reason }
    return false
  }
}
