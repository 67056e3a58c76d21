import { integer, jsonb, numeric, text, timestamp } from 'drizzle-orm/pg-core'
import { defineResource, resourceTable } from '@plinth/core'

/** The measured table: eight columns of its own, one of every common kind. */
export const projects = resourceTable('projects', {
  name: text().notNull(),
  status: text({ enum: ['draft', 'live', 'archived'] })
    .notNull()
    .default('draft'),
  priority: integer().notNull().default(0),
  dueAt: timestamp({ withTimezone: true }),
  settings: jsonb().notNull().default({}),
  budget: numeric({ precision: 12, scale: 2 }),
  contactEmail: text(),
  notes: text(),
})

export const project = defineResource({
  table: projects,
  fields: {
    name: { schema: (name) => name.min(2).max(120), search: true, sort: true },
    status: { filter: true },
    priority: { filter: true, sort: true },
    dueAt: { filter: true, sort: true },
    contactEmail: { personal: 'email' },
    notes: { schema: (notes) => notes.max(10_000) },
  },
})
