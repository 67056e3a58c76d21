import { defineResource, platformTable } from '@plinth/core'
import { jsonb, text, uuid } from 'drizzle-orm/pg-core'

/** What a tenant sees of a person. The id is the user's; name, addresses and roles are kept equal to his by triggers. */
export const members = platformTable('memberships', {
  userId: uuid().notNull(),
  status: text({ enum: ['active', 'suspended'] })
    .notNull()
    .default('active'),
  email: text(),
  username: text(),
  name: text().notNull().default(''),
  roles: jsonb().$type<readonly string[]>().notNull().default([]),
})

/**
 * `/users`: people as their tenant sees them; `user:read:own` is oneself. Generated routes read alone: who joins, is suspended or leaves
 * is written by hand-made ones, together with what he holds elsewhere.
 */
export const userResource = defineResource({
  table: members,
  name: 'user',
  path: 'users',
  description: 'People of the tenant: who they are, and what they are in it.',
  operations: { create: false, update: false, delete: false },
  fields: {
    userId: { hidden: true },
    status: { filter: true, sort: true, readOnly: true, description: 'In this tenant' },
    email: { filter: true, sort: true, search: true, readOnly: true, personal: 'email' },
    username: { filter: true, sort: true, search: true, readOnly: true, personal: 'identifier' },
    name: { sort: true, search: true, readOnly: true, personal: 'name' },
    roles: { readOnly: true, description: 'Names of the roles in this tenant' },
  },
})
