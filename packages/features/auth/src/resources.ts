import { defineResource } from '@plinth/core'
import { sessions } from './tables.ts'

/** `/sessions`: for whoever runs a tenant. One's own, in all tenants, are at `/auth/sessions`. */
export const session = defineResource({
  table: sessions,
  name: 'session',
  description: 'Where the members of this tenant are signed in, as far as they work in it',
  fields: {
    kind: { filter: true, readOnly: true },
    secondFactor: { filter: true, readOnly: true },
    authenticatedAt: { readOnly: true },
    lastSeenAt: { sort: true, filter: true, readOnly: true },
    expiresAt: { readOnly: true },
    endsAt: { readOnly: true },
    address: { personal: 'ip', readOnly: true },
    userAgent: { personal: 'other', readOnly: true },
    endedAt: { filter: true, readOnly: true },
    endedBy: { readOnly: true },
  },
  operations: { create: false, update: false, delete: false, bulk: false },
})
