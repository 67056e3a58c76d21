import { createHmac, hash as digestOf, type KeyObject } from 'node:crypto'

/** The chain of what belongs to no tenant. */
export const PLATFORM = '00000000-0000-0000-0000-000000000000'

/** An entry without its place in a chain. Texts as they are stored: the hash is over these. */
export interface EntryFacts {
  readonly tenantId: string
  readonly id: string
  /** UTC with microseconds: `2026-11-28T17:00:00.123456Z`. */
  readonly occurredAt: string
  readonly actorKind: string
  readonly actorId: string
  readonly onBehalfOf: string | null
  readonly action: string
  readonly targetType: string
  readonly targetId: string | null
  readonly outcome: string
  readonly requestId: string
  /** How often it happened: more than once where repetitions were only counted. */
  readonly repeated: number
  /** JSON. */
  readonly changes: string | null
  /** JSON. */
  readonly detail: string | null
  /** Encrypted: address and user agent. */
  readonly origin: string | null
  /** Encrypted: personal fields before and after. */
  readonly personal: string | null
}

export interface ChainedEntry extends EntryFacts {
  /** 1, 2, 3 … in its chain, without a gap. */
  readonly seq: number
  /** SHA-256 over the hash before and this entry, in base64url. */
  readonly hash: string
  /** HMAC of the hash under a key that is not in the database in the clear. */
  readonly mac: string
}

/** What stands in the place of a hash before the first entry. */
export const NO_HASH = ''

/**
 * SHA-256 over the hash before and every stored column but `hash` and `mac`, as a JSON list in fixed order: a list of texts cannot be
 * read in two ways, however a value looks.
 */
export function hashOf(previous: string, seq: number, entry: EntryFacts): string {
  const text = JSON.stringify([
    'plinth/audit/1',
    previous,
    entry.tenantId,
    seq,
    entry.id,
    entry.occurredAt,
    entry.actorKind,
    entry.actorId,
    entry.onBehalfOf,
    entry.action,
    entry.targetType,
    entry.targetId,
    entry.outcome,
    entry.requestId,
    entry.repeated,
    entry.changes,
    entry.detail,
    entry.origin,
    entry.personal,
  ])
  return digestOf('sha256', text, 'base64url')
}

/** Who rewrites a chain can compute its hashes anew; this he cannot. */
export function macOf(key: KeyObject, hash: string): string {
  return createHmac('sha256', key).update(hash).digest('base64url')
}
