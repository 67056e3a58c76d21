import { defineResource, type Resource } from '@plinth/core'
import { userRoles } from './tables.ts'

/** Who has which role. Read like any resource; given and taken by routes of their own, as the platform writes it. */
export function userRoleResource(): Resource {
  return defineResource({
    table: userRoles,
    name: 'userRole',
    description: 'A role that a member, a group or a service account of the tenant has',
    operations: { create: false, update: false, delete: false, bulk: false },
    fields: {
      userId: {
        filter: true,
        description: 'A member of the tenant; null where a group or a service account has the role',
      },
      groupId: { filter: true, description: 'A group: whoever is in it has the role' },
      serviceAccountId: { filter: true, description: 'A service account: its keys have the role' },
      role: { filter: true, description: 'The name of a role' },
    },
  }) as unknown as Resource
}
