import { outputSchema, routePartsOf, type GuardedRoute, type Registry } from '@plinth/core'
import { aclInput } from './acl-input.ts'
import type { SettledLimits } from './acl-limits.ts'
import { createAclEntry } from './create-acl-entry.ts'
import type { Definitions } from './definitions.ts'
import { deleteAclEntry } from './delete-acl-entry.ts'
import { aclPreviewRoutes } from './preview/preview-acl-routes.ts'

/** `POST /acl` and `DELETE /acl/:id`, for whoever may share rows of any model at all; which rows, the routes ask themselves. */
export function aclRoutes(
  registry: Registry,
  definitions: () => Definitions,
  limits: SettledLimits,
): readonly GuardedRoute[] {
  const resource = registry.resources.find((one) => one.name === 'aclEntry')!
  const { base, common, guard, row } = routePartsOf(registry, resource)
  const sharing: Pick<GuardedRoute, 'verb' | 'permission' | 'seeing' | 'otherwise'> = {
    ...guard('share'),
    otherwise: registry.resources
      .filter((one) => one !== resource)
      .map(({ name }) => ({ verb: 'share', of: name, permission: registry.permissions.numberOf(name, 'share')! })),
  }
  return [
    {
      ...common,
      ...sharing,
      method: 'POST',
      path: base,
      operationId: 'createAclEntry',
      summary: 'Allow or deny somebody something, on one row or on all of a model',
      body: {
        schema: aclInput,
        example: {
          resource: 'Role.read',
          principal: { kind: 'role', id: 'developer' },
          effect: 'deny',
        },
      },
      errors: ['validation_failed', 'already_exists', 'too_many_entries', 'unsupported_media_type', 'body_too_large'],
      answers: [
        {
          ...row,
          status: 201,
          description: 'The new entry',
          schema: outputSchema(resource),
          headers: ['Location', 'ETag'],
        },
      ],
      handle: (call) => createAclEntry(call, definitions(), limits),
    },
    {
      ...common,
      ...sharing,
      method: 'DELETE',
      path: `${base}/:id`,
      operationId: 'deleteAclEntry',
      summary: 'Take an entry of the ACL back',
      errors: ['not_found', 'version_mismatch', 'invalid_query'],
      answers: [{ status: 204, description: 'It says nothing any more' }],
      handle: deleteAclEntry,
    },
    ...aclPreviewRoutes(base, { ...common, ...sharing }, definitions),
  ]
}
