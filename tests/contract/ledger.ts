import { integer, jsonb, pgSchema, text, uuid } from 'drizzle-orm/pg-core'
import type { Feature } from '@plinth/core'

const entries = pgSchema('plinth').table('ledger_entries', {
  tenantId: uuid('tenant_id').notNull(),
  id: uuid('id').notNull(),
  target: uuid('target').notNull(),
  event: text('event').notNull(),
  resource: text('resource').notNull(),
  version: integer('version'),
  before: jsonb('before'),
  after: jsonb('after'),
})

/** A feature that keeps a row of every write and listens to everything, so that every write leaves a record and an event. */
export const ledger: Feature = {
  name: 'ledger',
  tables: [entries],
  migrations: [
    {
      id: '0001_ledger',
      sql: `create table plinth.ledger_entries (
      tenant_id uuid not null, id uuid not null, target uuid not null, event text not null, resource text not null, version int,
      before jsonb, after jsonb, primary key (tenant_id, id))`,
    },
  ],
  record: (write) => [
    {
      table: entries,
      values: {
        tenantId: write.tenantId,
        id: write.newId,
        target: write.id,
        event: write.event,
        resource: write.resource,
        version: write.version,
        before: write.before,
        after: write.after,
      },
    },
  ],
  on: { '*': () => Promise.resolve() },
}
