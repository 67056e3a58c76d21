import type { Feature } from '@plinth/core'
import { integer, jsonb, pgSchema, text, timestamp, uuid } from 'drizzle-orm/pg-core'

export const journalTable = pgSchema('plinth').table('test_journal', {
  tenantId: uuid('tenant_id').notNull(),
  id: uuid('id').notNull(),
  resource: text('resource').notNull(),
  // Ids of rows are opaque: not every table has UUIDs.
  rowId: text('row_id').notNull(),
  version: integer('version').notNull(),
  event: text('event').notNull(),
  actorKind: text('actor_kind').notNull(),
  actorId: text('actor_id').notNull(),
  requestId: text('request_id').notNull(),
  writtenAt: timestamp('written_at', { withTimezone: true }).notNull(),
  before: jsonb('before'),
  after: jsonb('after'),
})

/**
 * A feature that writes one row of its own beside every create, update and delete, in the same transaction: what an audit
 * log does, small enough to compare with the rows after a crash. Table: `plinth.test_journal`.
 *
 * @param options.listen also handles every committed event, so that the outbox is used
 */
export function testJournal(options: { readonly listen?: (type: string) => void } = {}): Feature {
  const { listen } = options
  return {
    name: 'test-journal',
    tables: [journalTable],
    travels: { 'plinth.test_journal': { stays: 'what a test compares on its own platform' } },
    migrations: [
      {
        id: '0001_journal',
        sql: `create table plinth.test_journal (
        tenant_id uuid not null, id uuid not null, resource text not null, row_id text not null, version int not null, event text not null,
        actor_kind text not null, actor_id text not null, request_id text not null, written_at timestamptz not null, before jsonb, after jsonb,
        constraint test_journal_pk primary key (tenant_id, id)
      )`,
      },
    ],
    record: (write) => [
      {
        table: journalTable,
        values: {
          tenantId: write.tenantId,
          id: write.newId,
          resource: write.resource,
          rowId: write.id,
          version: write.version,
          event: write.event,
          actorKind: write.actorKind,
          actorId: write.actorId,
          requestId: write.requestId,
          writtenAt: write.time,
          before: write.before,
          after: write.after,
        },
      },
    ],
    ...(listen && { on: { '*': async (_context, event) => listen(event.type) } }),
  }
}
