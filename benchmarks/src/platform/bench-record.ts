import { integer, jsonb, pgSchema, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import type { Feature } from '@plinth/core'

const records = pgSchema('plinth').table('bench_records', {
  tenantId: uuid('tenant_id').notNull(),
  id: uuid('id').notNull(),
  rowId: uuid('row_id').notNull(),
  event: text('event').notNull(),
  actorKind: text('actor_kind').notNull(),
  actorId: text('actor_id').notNull(),
  requestId: text('request_id').notNull(),
  version: integer('version').notNull(),
  before: jsonb('before'),
  after: jsonb('after'),
  time: timestamp('time', { withTimezone: true }).notNull(),
})

const sql = `
  create table plinth.bench_records (
    tenant_id uuid not null, id uuid not null, row_id uuid not null, event text not null, actor_kind text not null,
    actor_id text not null, request_id text not null, version int not null, before jsonb, after jsonb,
    time timestamptz not null, constraint bench_records_pk primary key (tenant_id, id)
  );
  grant insert on plinth.bench_records to {app}, {system};`

/** Stands for the audit feature: a row with before and after, written in the statement of every change. */
export function benchRecord(): Feature {
  return {
    name: 'bench-record',
    tables: [records],
    migrations: [{ id: '0001_records', sql }],
    record: ({ newId, tenantId, id, event, actorKind, actorId, requestId, version, before, after, time }) => [
      {
        table: records,
        values: { id: newId, tenantId, rowId: id, event, actorKind, actorId, requestId, version, before, after, time },
      },
    ],
  }
}

/** Listens to new rows, so that each create writes an event into the outbox. What is done with it is next to nothing. */
export function benchListener(): Feature {
  return { name: 'bench-listener', on: { 'project.created': () => Promise.resolve() } }
}
