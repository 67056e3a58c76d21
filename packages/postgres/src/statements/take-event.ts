import type { Scope } from '@plinth/core'
import { EVENTS_TABLE } from './records.ts'
import type { Printed } from './statement.ts'

/*
 * The mark of a handler is set in the transaction of its effects: both are there or neither is. Whoever else runs the same handler for
 * the same event at this moment (a leader that lost its lock without knowing) waits for the row and then finds the mark.
 */
const text =
  `update ${EVENTS_TABLE} set handled = handled || $3::text, attempts = attempts + $4::text::int,` +
  ` delivered_at = case when $4::text::int = 1 then clock_timestamp() end, last_error = case when $4::text::int = 1 then null else last_error end` +
  ` where tenant_id = $1::uuid and id = $2::uuid and delivered_at is null and not handled @> array[$3::text] returning 1 as "taken"`

/** Marks an event as handled by this handler, and as delivered where it is the last; no row where it was before. */
export function printTakeEvent(eventId: string, handler: string, last: boolean, scope: Scope): Printed {
  return { text, parameters: [scope.tenantId, eventId, handler, last ? '1' : '0'], shape: 'fixed' }
}
