import type { JsonWebKey } from 'node:crypto'
import type { ChainedEntry } from '../entry/chained-entry.ts'
import { publicJwkOf } from '../seal/book-keys.ts'

/*
 * JSON lines: what it is and behind which entry it begins, the entries as they are stored (what is personal stays encrypted), and a
 * signed checkpoint of the last one with the key that verifies it.
 *
 * Each is printed in one way alone. The hash of an entry is over its members: another one beside them, or the same one twice, of which a reader may
 * take the first, would be believed because the archive verifies.
 */

export const FORMAT = 'plinth-audit-archive/1'

export function headerLine(tenant: string): string {
  return JSON.stringify({ format: FORMAT, tenant, after: null })
}

export function entryLine(entry: ChainedEntry): string {
  const parsed = (json: string | null): unknown => (json === null ? null : (JSON.parse(json) as unknown))
  return JSON.stringify({
    tenantId: entry.tenantId,
    seq: entry.seq,
    id: entry.id,
    occurredAt: entry.occurredAt,
    actorKind: entry.actorKind,
    actorId: entry.actorId,
    onBehalfOf: entry.onBehalfOf,
    action: entry.action,
    targetType: entry.targetType,
    targetId: entry.targetId,
    outcome: entry.outcome,
    requestId: entry.requestId,
    repeated: entry.repeated,
    origin: entry.origin,
    personal: entry.personal,
    hash: entry.hash,
    mac: entry.mac,
    changes: parsed(entry.changes),
    detail: parsed(entry.detail),
  })
}

/** @param checkpoint a text; whatever else stands there is printed as it is, and signed by nobody */
export function endLine(checkpoint: unknown, { x }: JsonWebKey): string {
  return JSON.stringify({ checkpoint, key: publicJwkOf(String(x)) })
}
