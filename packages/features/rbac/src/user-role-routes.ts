import { outputSchema, routePartsOf, type GuardedRoute, type Registry } from '@plinth/core'
import { assignRole } from './assign-role.ts'
import type { Definitions } from './definitions.ts'
import { revokeRole } from './revoke-role.ts'
import { holderFields, holderKeys, roleName, userRoleInput } from './user-role-input.ts'

/** `POST /user-roles` gives a role, `DELETE` takes it: by the row's id, or by its holder and role. */
export function userRoleRoutes(registry: Registry, definitions: () => Definitions): readonly GuardedRoute[] {
  const resource = registry.resources.find((one) => one.name === 'userRole')!
  const { base, common, guard, row } = routePartsOf(registry, resource)
  return [
    {
      ...common,
      ...guard('create'),
      method: 'POST',
      path: base,
      operationId: 'assignRole',
      summary: 'Give a member, a group or a service account a role',
      body: {
        schema: userRoleInput,
        example: { userId: '0193a2b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b', role: 'developer' },
      },
      errors: ['validation_failed', 'already_exists', 'unsupported_media_type', 'body_too_large'],
      answers: [
        {
          ...row,
          status: 201,
          description: 'The role that is given now',
          schema: outputSchema(resource),
          headers: ['Location', 'ETag'],
        },
      ],
      handle: (call) => assignRole(call, definitions()),
    },
    {
      ...common,
      ...guard('delete'),
      method: 'DELETE',
      path: `${base}/:id`,
      operationId: 'revokeRoleById',
      summary: 'Take a role from whoever has it',
      errors: ['not_found', 'last_owner', 'version_mismatch', 'invalid_query'],
      answers: [{ status: 204, description: 'It is taken' }],
      handle: (call) => revokeRole(call),
    },
    {
      ...common,
      ...guard('delete'),
      method: 'DELETE',
      path: base,
      operationId: 'revokeRole',
      summary: 'Take a role from a member, a group or a service account',
      query: [
        ...holderKeys.map((name) => ({
          name,
          description: `${holderFields[name].description}. One of the three`,
          schema: holderFields[name],
        })),
        { name: 'role', description: 'The name of a role', schema: roleName, required: true },
      ],
      errors: ['not_found', 'last_owner', 'invalid_query'],
      answers: [{ status: 204, description: 'It is taken' }],
      handle: (call) => revokeRole(call),
    },
  ]
}
