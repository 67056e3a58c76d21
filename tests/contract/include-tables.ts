import { belongsTo, defineResource, deletedAt, resourceTable } from '@plinth/core'
import { jsonb, text } from 'drizzle-orm/pg-core'

/* A small agency: clients have sites, sites have monitors and notes, and a site is checked by one agent and reviewed by another. */

export const clients = resourceTable('clients', { name: text().notNull(), deletedAt: deletedAt() })
export const agents = resourceTable('agents', { name: text().notNull(), token: text() })
export const sites = resourceTable('sites', {
  name: text().notNull(),
  pin: text(),
  clientId: belongsTo(() => clients),
  agentId: belongsTo(() => agents, { inverse: 'checkedSites' }),
  reviewerId: belongsTo(() => agents, { inverse: 'reviewedSites' }),
})
export const monitors = resourceTable('monitors', {
  name: text().notNull(),
  facts: jsonb(),
  inner: text(),
  deletedAt: deletedAt(),
  siteId: belongsTo(() => sites, { onDelete: 'cascade' }).notNull(),
})
/** Written, never read: nothing of it can be included. */
export const letters = resourceTable('letters', { words: text(), siteId: belongsTo(() => sites) })

export const agency = [
  defineResource({ table: clients }),
  defineResource({ table: agents, fields: { token: { secret: true } } }),
  defineResource({ table: sites, fields: { name: { sort: true, filter: true }, pin: { hidden: true } } }),
  defineResource({ table: monitors, fields: { name: { sort: true }, inner: { hidden: true } } }),
  defineResource({ table: letters, operations: { read: false, list: false } }),
]
