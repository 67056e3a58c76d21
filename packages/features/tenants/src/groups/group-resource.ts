import { defineResource, platformTable } from '@plinth/core'
import { text } from 'drizzle-orm/pg-core'

/** Teams of a tenant: the scope `group` of a permission, and `ownerGroupId` of a row. */
export const groups = platformTable('groups', {
  name: text().notNull(),
  description: text(),
})

export const groupResource = defineResource({
  table: groups,
  name: 'group',
  path: 'groups',
  description:
    'Teams of the tenant. Rows may belong to one (`ownerGroupId`), and permissions may end at its rows (scope `group`).',
  fields: {
    name: { schema: (name) => name.trim().min(1).max(120), filter: true, sort: true, search: true },
    description: { schema: (description) => description.max(1_000) },
  },
})
