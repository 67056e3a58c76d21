import type { FeatureMigration } from '@plinth/core'

/*
 * The outbox is the platform's table, under its policies. Without this feature the runtime login may only add to it. Why a handler failed
 * (`last_error`) stays unreadable: it may name what is none of the tenant's business.
 */
export const migrations: readonly FeatureMigration[] = [
  {
    id: '0001_read',
    sql: `
create index events_read_idx on plinth.events (tenant_id, seq);
grant select (tenant_id, id, seq, type, version, key, data, actor_kind, actor_id, request_id, occurred_at, delivered_at, parked_at, attempts)
  on plinth.events to {app};
`,
  },
  {
    id: '0002_read_trace',
    sql: 'grant select (traceparent) on plinth.events to {app};',
  },
]
