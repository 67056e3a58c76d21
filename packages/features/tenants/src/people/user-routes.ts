import { routePartsOf, type GuardedRoute, type Registry } from '@plinth/core'
import { z } from 'zod'
import { outputSchema } from '@plinth/core'
import type { Inviting } from '../invitations/invite.ts'
import { invitations } from '../invitations/invitation-resource.ts'
import { changeUser, userChange } from './change-user.ts'
import { createUser, newUser } from './create-user.ts'
import { deleteUser } from './delete-user.ts'
import { members } from './user-resource.ts'

/** The writes of `/users`; list and read are generated. */
export function userRoutes(registry: Registry, inviting: Inviting): readonly GuardedRoute[] {
  const resource = registry.byTable.get(members)!
  const { base, common, guard, row } = routePartsOf(registry, resource)
  const one = `${base}/:id`
  const made = z.union([outputSchema(resource), outputSchema(registry.byTable.get(invitations)!)])
  const change = {
    ...common,
    ...guard('update'),
    path: one,
    errors: [
      'validation_failed',
      'not_found',
      'already_exists',
      'last_owner',
      'version_mismatch',
      'unsupported_media_type',
      'body_too_large',
    ],
    answers: [row],
    handle: changeUser,
  }
  const example = { status: 'active', roles: ['user'] }
  return [
    {
      ...common,
      ...guard('create'),
      method: 'POST',
      path: base,
      operationId: 'createUser',
      summary: 'Invite somebody; with a password, make the account',
      body: { schema: newUser, example: { email: 'ada@example.com', roles: ['user'] } },
      errors: ['validation_failed', 'already_exists', 'unsupported_media_type', 'body_too_large'],
      answers: [
        { status: 201, description: 'The invitation, or the new member', schema: made, headers: ['ETag', 'Location'] },
      ],
      handle: (call) => createUser(call, inviting),
    },
    {
      ...change,
      method: 'PATCH',
      operationId: 'updateUser',
      summary: 'Change what somebody is in the tenant (JSON merge patch, RFC 7396)',
      body: { schema: userChange, mergePatch: true, example },
    },
    {
      ...change,
      method: 'PUT',
      operationId: 'replaceUser',
      summary: 'Change what somebody is in the tenant; what is absent stays',
      body: { schema: userChange, example },
    },
    {
      ...common,
      ...guard('delete'),
      method: 'DELETE',
      path: one,
      operationId: 'deleteUser',
      summary: 'End a membership, and the account with its last one',
      errors: ['not_found', 'last_owner', 'version_mismatch'],
      answers: [{ status: 204, description: 'He is no member any more' }],
      handle: deleteUser,
    },
  ]
}
