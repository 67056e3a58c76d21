import { belongsTo, defineResource, deletedAt, resourceTable, type AnyResourceTable } from '@plinth/core'
import { bigint, integer, text, varchar } from 'drizzle-orm/pg-core'
import { z } from 'zod'

/* Plans by name, tickets by number, entries by a number that no double holds, and rows that point at each of them. */

export const plans = resourceTable('plans', { id: text(), title: text().notNull(), deletedAt: deletedAt() })
export const regions = resourceTable('regions', { id: varchar({ length: 8 }), title: text().notNull().default('none') })
export const drawers = resourceTable('drawers', {
  id: text()
    .notNull()
    .$defaultFn(() => `drawer-${(drawerCount += 1)}`),
  title: text().notNull(),
})
let drawerCount = 0
export const tickets = resourceTable('tickets', {
  id: integer().generatedAlwaysAsIdentity(),
  title: text().notNull(),
  planId: belongsTo(() => plans, { key: 'text' }),
  parentId: belongsTo((): AnyResourceTable => tickets, { key: 'integer', inverse: 'children' }),
})
export const entries = resourceTable('entries', {
  id: bigint({ mode: 'bigint' }).generatedByDefaultAsIdentity({ startWith: '9007199254740993' }),
  title: text().notNull(),
  ticketId: belongsTo(() => tickets, { key: 'integer', onDelete: 'cascade' }).notNull(),
  entryId: belongsTo((): AnyResourceTable => entries, { key: 'bigint', inverse: 'answers' }),
})

const title = { sort: true, filter: true } as const
export const keyed = [
  defineResource({
    table: plans,
    fields: { id: { description: 'What the price list calls it' }, title },
    actions: { retire: { run: (ctx, row) => ctx.update(plans, row.id, { title: 'retired' }) } },
  }),
  defineResource({ table: regions, fields: { id: { schema: (id) => id.regex(/^[a-z]+$/) }, title } }),
  defineResource({ table: drawers }),
  defineResource({
    table: tickets,
    fields: { title },
    actions: {
      rename: {
        input: z.object({ title: z.string() }),
        run: (ctx, row, input) => ctx.update(tickets, row.id, { title: input.title }),
      },
      answer: {
        output: z.object({ id: z.string(), ticket: z.string(), found: z.number() }),
        run: async (ctx, row) => {
          const entry = await ctx.create(entries, { title: 'an answer', ticketId: row.id })
          const read = await ctx.read(entries, entry.id)
          const found = await ctx.list(entries, { where: { ticketId: row.id }, sort: ['-id'] })
          return { id: read.id, ticket: read.ticketId, found: found.length }
        },
      },
    },
  }),
  defineResource({ table: entries, fields: { title } }),
]
