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

/**
 * A UUID (version 8) of the number and the tenant: the entry is found by its number, so that ids need no index of their own. Of the uuid
 * columns it was the one whose index is written all over the place.
 */
export function idOf(tenantId: string, seq: number): string {
  const number = seq.toString(16).padStart(12, '0')
  return `${number.slice(0, 8)}-${number.slice(8)}-8${tenantId.slice(15, 18)}-8${tenantId.slice(20)}`
}

/** The number of the entry that such an id names. */
export function seqOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

/** What stands in the place of a hash before the first entry. */
export const NO_HASH = ''

/** What of an entry is proven, and by what. */
export interface ChainLink {
  readonly seq: number
  /** As {@link contentOf} gives it. */
  readonly content: string
  readonly hash: string
  readonly mac: string
}

/** Its length in bytes before each text, and nothing but the colon for NULL: a list of texts cannot be read in two ways, however they look. */
const part = (text: string | null): string => (text === null ? ':' : `${Buffer.byteLength(text)}:${text}`)

/**
 * Every stored column but `hash` and `mac` as one text, in fixed order. PostgreSQL puts the same together by `concat`, so that who verifies
 * a chain of the database reads one column for each entry instead of eighteen (2 µs of CPU in Node instead of 16).
 */
export function contentOf(seq: number, entry: EntryFacts): string {
  return (
    part(String(seq)) +
    part(entry.id) +
    part(entry.occurredAt) +
    part(entry.actorKind) +
    part(entry.actorId) +
    part(entry.onBehalfOf) +
    part(entry.action) +
    part(entry.targetType) +
    part(entry.targetId) +
    part(entry.outcome) +
    part(entry.requestId) +
    part(String(entry.repeated)) +
    part(entry.changes) +
    part(entry.detail) +
    part(entry.origin) +
    part(entry.personal)
  )
}

/** SHA-256 over the tenant, the hash before and the content. */
export function hashOf(tenantId: string, previous: string, content: string): string {
  return digestOf('sha256', `plinth/audit/1 ${part(tenantId)}${part(previous)}${content}`, 'base64url')
}

/** Who rewrites a chain can compute its hashes anew; this he cannot. */
export function macOf(key: KeyObject, hash: string): string {
  return createHmac('sha256', key).update(hash).digest('base64url')
}
