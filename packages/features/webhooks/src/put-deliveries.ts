import { statement, type EventRecord, type FixedStatement, type FeatureHandling } from '@plinth/core'
import { hearing } from './event-patterns.ts'
import { MOST_ATTEMPTS } from './send/pauses.ts'

/** The body of a request, as it is kept: what is signed and sent are these bytes, however often. */
export function bodyOf({ id, type, version, time, tenantId, actor, data }: EventRecord): string {
  return JSON.stringify({ id, type, timestamp: time.toISOString(), version, tenantId, actor, data })
}

/**
 * One delivery for each webhook that hears of this event, in the transaction that marks the event as handled. Told again, it makes none.
 * A webhook is not told of itself: that it fails would be one more thing that fails.
 * @param at the time
 * @returns how many
 */
export async function putDeliveries(
  handling: FeatureHandling,
  event: EventRecord,
  at: FixedStatement,
): Promise<number> {
  const { tenantId, type, key, requestId, traceparent = null } = event
  const itself = type.startsWith('webhook.') ? String((event.data as { readonly id?: unknown } | null)?.id) : ''
  const made = await handling.run(statement`
    insert into plinth.webhook_deliveries (tenant_id, id, created_at, updated_at, webhook_id, event_id, type, key, body, most_attempts,
      next_at, request_id, traceparent)
    select w.tenant_id, gen_random_uuid(), t.at, t.at, w.id, ${event.id}::uuid, ${type}::text, ${key}::text, ${bodyOf(event)}::text,
      ${MOST_ATTEMPTS}::int, t.at, ${requestId}::text, ${traceparent}::text
    from plinth.webhooks_out w, (select ${at} as at) t
    where w.tenant_id = ${tenantId}::uuid and w.active and w.events ?| ${hearing(type)}::text[] and w.id::text <> ${itself}::text
    on conflict (tenant_id, webhook_id, event_id) do nothing
    returning id`)
  return made.length
}
