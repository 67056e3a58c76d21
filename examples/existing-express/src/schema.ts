import { text } from 'drizzle-orm/pg-core'
import { belongsTo, defineResource, resourceTable } from '@plinth/core'

export const bikes = resourceTable('bikes', { owner: text().notNull(), model: text().notNull() })

export const repairs = resourceTable('repairs', {
  bikeId: belongsTo(() => bikes, { onDelete: 'cascade' }).notNull(),
  what: text().notNull(),
  status: text({ enum: ['open', 'done'] })
    .notNull()
    .default('open'),
})

export const bike = defineResource({ table: bikes, fields: { owner: { search: true, personal: 'name' } } })
export const repair = defineResource({ table: repairs, fields: { status: { filter: true } } })
