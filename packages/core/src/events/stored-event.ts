import type { Actor } from '../auth/principal.ts'
import type { RawRow } from '../ports/database.ts'
import { traceparentOf } from '../request/request-id.ts'
import type { EventRecord } from './event-record.ts'

/** A row of the outbox, with the data as it is stored: of its own version, and not yet what may be told today. */
export function storedEvent(row: RawRow, tenantId: string): EventRecord {
  const text = (name: string): string => String(row[name])
  // Judged again: whoever gets SQL of his own into a statement may write there what he likes, and handlers put it into headers.
  const traceparent = row['traceparent'] === null ? undefined : traceparentOf(text('traceparent'))
  return {
    id: text('id'),
    tenantId,
    type: text('type'),
    version: Number(row['version']),
    key: text('key'),
    data: JSON.parse(text('data')) as unknown,
    actor: { kind: text('actor_kind') as Actor['kind'], id: text('actor_id') },
    requestId: text('request_id'),
    ...(traceparent !== undefined && { traceparent }),
    time: new Date(text('occurred_at')),
  }
}
