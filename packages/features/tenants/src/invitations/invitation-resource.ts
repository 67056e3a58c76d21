import { defineResource, platformTable } from '@plinth/core'
import { jsonb, text, timestamp, uuid } from 'drizzle-orm/pg-core'

/** The column of the token's hash is not among them, so that no generated statement reads it. */
export const invitations = platformTable('invitations', {
  email: text().notNull(),
  name: text().notNull().default(''),
  roles: jsonb().$type<readonly string[]>().notNull().default([]),
  status: text({ enum: ['pending', 'accepted', 'revoked'] })
    .notNull()
    .default('pending'),
  expiresAt: timestamp({ withTimezone: true }).notNull(),
  acceptedAt: timestamp({ withTimezone: true }),
  userId: uuid(),
})

export const invitationResource = defineResource({
  table: invitations,
  name: 'invitation',
  path: 'invitations',
  description: 'Who was asked into the tenant, by a link that works once.',
  operations: { create: false, update: false, delete: false },
  fields: {
    email: { filter: true, sort: true, search: true, readOnly: true, personal: 'email' },
    name: { readOnly: true, personal: 'name' },
    roles: { readOnly: true, description: 'Names of the roles that the guest will have' },
    status: { filter: true, sort: true, readOnly: true },
    expiresAt: { sort: true, readOnly: true, description: 'From then on a pending one is worth nothing' },
    acceptedAt: { readOnly: true },
    userId: { readOnly: true, description: 'Who accepted it' },
  },
})
