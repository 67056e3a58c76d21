import {
  index,
  integer,
  jsonb,
  numeric,
  pgSchema,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'

/** The same table as Plinth's, as one writes it without Plinth. */
export const projects = pgTable(
  'projects',
  {
    tenantId: uuid('tenant_id').notNull(),
    id: uuid('id').notNull(),
    ownerUserId: uuid('owner_user_id'),
    ownerGroupId: uuid('owner_group_id'),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
    version: integer('version').notNull().default(1),
    name: text('name').notNull(),
    status: text('status', { enum: ['draft', 'live', 'archived'] })
      .notNull()
      .default('draft'),
    priority: integer('priority').notNull().default(0),
    dueAt: timestamp('due_at', { withTimezone: true }),
    settings: jsonb('settings').notNull().default({}),
    budget: numeric('budget', { precision: 12, scale: 2 }),
    contactEmail: text('contact_email'),
    notes: text('notes'),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    index('projects_recent_idx').on(table.tenantId, table.createdAt.desc(), table.id.desc()),
  ],
)

const recording = {
  tenantId: uuid('tenant_id').notNull(),
  id: uuid('id').notNull(),
  actorKind: text('actor_kind').notNull(),
  actorId: text('actor_id').notNull(),
  requestId: text('request_id').notNull(),
}
const bench = pgSchema('bench')
export const records = bench.table('records', {
  ...recording,
  rowId: uuid('row_id').notNull(),
  event: text('event').notNull(),
  version: integer('version').notNull(),
  after: jsonb('after'),
  time: timestamp('time', { withTimezone: true }).notNull(),
})
export const events = bench.table('events', {
  ...recording,
  type: text('type').notNull(),
  key: text('key').notNull(),
  data: jsonb('data').notNull(),
  occurredAt: timestamp('occurred_at', { withTimezone: true }).notNull(),
})
