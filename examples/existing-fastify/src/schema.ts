import { text, timestamp } from 'drizzle-orm/pg-core'
import { belongsTo, defineResource, resourceTable } from '@plinth/core'

export const tools = resourceTable('tools', { name: text().notNull(), shelf: text() })

export const loans = resourceTable('loans', {
  toolId: belongsTo(() => tools, { onDelete: 'restrict' }).notNull(),
  borrower: text().notNull(),
  dueAt: timestamp({ withTimezone: true }).notNull(),
})

export const tool = defineResource({ table: tools, fields: { name: { search: true, sort: true } } })
export const loan = defineResource({ table: loans, fields: { borrower: { personal: 'name' }, dueAt: { sort: true } } })
