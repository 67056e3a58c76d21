import type { Scope } from '@plinth/core'
import { EVENTS_TABLE } from './records.ts'
import { scopeClause, scopedStatement } from './scope-clause.ts'
import type { Printed } from './statement.ts'

export interface EmittedEvent {
  readonly type: string
  /** Events of one key are handed on in order. */
  readonly key: string
  readonly data: unknown
}

const text =
  `${scopeClause(false)} insert into ${EVENTS_TABLE} (tenant_id, id, type, key, data, actor_kind, actor_id, request_id, occurred_at)` +
  ' select $1::uuid, gen_random_uuid(), $3::text, $4::text, $5::text::jsonb, $6::text, $7::text, $8::text, $9::text::timestamp with time zone' +
  ' from c where c.t is not null'

/** Appends an event to the outbox: no NOTIFY (measured: one in every write cut commits from 13,500 to 5,800 a second). */
export function printEmit(event: EmittedEvent, scope: Scope): Printed {
  const statement = scopedStatement(scope, false)
  statement.parameters.push(
    event.type,
    event.key,
    JSON.stringify(event.data ?? null),
    scope.actor.kind,
    scope.actor.id,
    scope.requestId,
    scope.now.toISOString(),
  )
  return { text, parameters: statement.parameters, shape: 'fixed' }
}
