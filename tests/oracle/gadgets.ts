import { sql } from 'drizzle-orm'
import { integer, jsonb, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { defineResource, deletedAt, resourceTable } from '@plinth/core'

export const STATES = ['new', 'used', 'broken'] as const
export const MOST = 9

const gadgets = resourceTable(
  'gadgets',
  {
    name: text().notNull(),
    state: text({ enum: STATES }).notNull().default('new'),
    size: integer(),
    data: jsonb(),
    code: text(),
    deletedAt: deletedAt(),
  },
  (table) => [
    uniqueIndex('gadgets_name_key')
      .on(table.tenantId, table.name)
      .where(sql`deleted_at is null`),
  ],
)

/** One field of every sort that bears on writes. */
export const gadget = defineResource({
  table: gadgets,
  operations: { clear: true },
  fields: {
    name: { schema: (name) => name.min(1).max(5) },
    size: { schema: (size) => size.min(0).max(MOST) },
    code: { immutable: true },
  },
})
