import { type RawRow } from '@plinth/core'
import type { EntryFacts } from '../entry/chained-entry.ts'
import { differenceOf } from '../entry/difference.ts'

/** An entry as it was written, with its personal parts in the clear. */
export interface WrittenEntry extends Omit<EntryFacts, 'tenantId' | 'id' | 'origin' | 'personal'> {
  readonly origin: PersonalPart | undefined
  readonly personal: PersonalPart | undefined
}

/** What is encrypted, and about whom it is. */
export interface PersonalPart {
  readonly subject: string
  readonly text: string
}

/** A row of the inbox as the sealer reads it. */
export function readInboxRow(row: RawRow): WrittenEntry {
  const text = (name: string): string => String(row[name])
  const optional = (name: string): string | null => (row[name] === null ? null : text(name))
  const parsed = <T>(name: string): T | null => (row[name] === null ? null : (JSON.parse(text(name)) as T))
  const action = text('action')
  const detail = parsed<unknown>('detail')
  const targetType = action.split('.', 1)[0]!
  const target = optional('target')
  const personal = parsed<Readonly<Record<string, unknown>>>('personal')
  const changes = differenceOf({
    before: parsed('before'),
    after: parsed('after'),
    masked: parsed<readonly string[]>('masked') ?? [],
    personal: Object.keys(personal ?? {}),
  })
  // Events name what they are about by its id, or with its kind before it.
  const targetId = target?.startsWith(`${targetType}:`) ? target.slice(targetType.length + 1) : target
  const occurredAt = text('occurred_at')
  return {
    occurredAt,
    actorKind: text('actor_kind'),
    actorId: text('actor_id'),
    onBehalfOf: optional('on_behalf_of'),
    action,
    targetType,
    targetId,
    outcome: text('outcome'),
    requestId: text('request_id'),
    repeated: Number(row['repeated']),
    changes: changes === undefined ? null : JSON.stringify(changes),
    // As this language prints it: whoever parses it and prints it again has the same text, and the same hash.
    detail: detail === null ? null : JSON.stringify(detail),
    origin: originOf(optional('address'), optional('user_agent'), subjectOf(row, occurredAt)),
    personal: personal ? { subject: `${targetType}:${targetId ?? ''}`, text: JSON.stringify(personal) } : undefined,
  }
}

function originOf(address: string | null, userAgent: string | null, subject: string): PersonalPart | undefined {
  if (address === null && userAgent === null) return undefined
  return {
    subject,
    text: JSON.stringify({ ...(address !== null && { address }), ...(userAgent !== null && { userAgent }) }),
  }
}

/**
 * Whose address it is: of the user himself, or behind a key; of a service, of the service. Of strangers nobody knows that two are one:
 * each day of them has a key.
 */
function subjectOf(row: RawRow, occurredAt: string): string {
  const kind = String(row['actor_kind'])
  if (row['on_behalf_of'] !== null) return `user:${String(row['on_behalf_of'])}`
  if (kind === 'anonymous') return `anonymous:${occurredAt.slice(0, 10)}`
  return `${kind}:${String(row['actor_id'])}`
}
