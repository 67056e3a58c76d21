import { defineResource, type Resource } from '@plinth/core'
import { userRoles } from './tables.ts'

/** Who has which role. Read like any resource; given and taken by routes of their own, as the platform writes it. */
export function userRoleResource(): Resource {
  return defineResource({
    table: userRoles,
    name: 'userRole',
    description: 'A role that a member of the tenant has',
    operations: { create: false, update: false, delete: false, bulk: false },
    fields: {
      userId: { filter: true, description: 'A member of the tenant' },
      role: { filter: true, description: 'The name of a role' },
    },
  }) as unknown as Resource
}
