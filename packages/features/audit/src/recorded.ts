import type { RecordedEvent, RecordedEventName, RecordedRow, RecordedWrite } from '@plinth/core'
import { auditInbox } from './tables.ts'

/** The entry of a generated write: one more row of its statement. */
export function recordWrite(write: RecordedWrite): readonly RecordedRow[] {
  return [
    {
      table: auditInbox,
      values: {
        tenantId: write.tenantId,
        occurredAt: write.time,
        actorKind: write.actorKind,
        actorId: write.actorId,
        onBehalfOf: write.onBehalfOf,
        action: write.eventType,
        target: write.id,
        requestId: write.requestId,
        before: write.before,
        after: write.after,
        masked: write.masked,
        personal: write.personal,
        address: write.address,
        userAgent: write.userAgent,
      },
    },
  ]
}

/** The entry of a hand-written one: every event that is emitted. */
export function recordEvent(event: RecordedEvent): readonly RecordedRow<RecordedEventName>[] {
  return [
    {
      table: auditInbox,
      values: {
        tenantId: event.tenantId,
        occurredAt: event.time,
        actorKind: event.actorKind,
        actorId: event.actorId,
        onBehalfOf: event.onBehalfOf,
        action: event.eventType,
        target: event.key,
        requestId: event.requestId,
        before: event.before,
        after: event.after,
        masked: event.masked,
        personal: event.personal,
        detail: event.data,
        address: event.address,
        userAgent: event.userAgent,
      },
    },
  ]
}
