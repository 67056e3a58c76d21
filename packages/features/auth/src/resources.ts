import { defineResource } from '@plinth/core'
import { apiKeys, serviceAccounts, sessions } from './tables.ts'

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

/** `/api-keys`: for whoever runs a tenant. One's own are at `/auth/api-keys`, where they are made too. */
export const apiKey = defineResource({
  table: apiKeys,
  name: 'apiKey',
  description: 'Keys by which programs of the members of this tenant come in',
  fields: {
    name: { sort: true, search: true, readOnly: true },
    keyPrefix: { filter: true, readOnly: true, description: 'How the key begins' },
    role: { filter: true, readOnly: true, description: 'Null for a key of a service, which has the roles of that' },
    serviceAccountId: { filter: true, readOnly: true, description: 'The service whose key it is' },
    expiresAt: { sort: true, filter: true, readOnly: true },
    ipRanges: { readOnly: true, description: 'Where it may be used from; empty: anywhere' },
    rateRequests: { readOnly: true },
    rateSeconds: { readOnly: true },
    lastUsedAt: { sort: true, filter: true, readOnly: true },
    revokedAt: { filter: true, readOnly: true },
  },
  operations: { create: false, update: false, delete: false, bulk: false },
})

/** `/service-accounts`; the writes are hand-written. */
export const serviceAccount = defineResource({
  table: serviceAccounts,
  name: 'serviceAccount',
  description: 'Programs that work for this tenant whoever set them up; they come in by keys of their own',
  fields: {
    name: { sort: true, filter: true, search: true, readOnly: true },
    description: { readOnly: true },
    roles: { readOnly: true, description: 'Names of roles: what it may do' },
    disabledAt: { filter: true, readOnly: true, description: 'From then on it is not let in' },
  },
  operations: { create: false, update: false, delete: false, bulk: false },
})
