import { pageOf, pageParameters, routePartsOf, type GuardedRoute, type Registry } from '@plinth/core'
import { z } from 'zod'
import { addToGroup, listMembers, memberSet, memberToAdd, removeFromGroup, replaceMembers } from './group-members.ts'
import { groups } from './group-resource.ts'

/** Who is in a group. The groups themselves are a resource like any other. */
export function groupRoutes(registry: Registry): readonly GuardedRoute[] {
  const { base, common, guard } = routePartsOf(registry, registry.byTable.get(groups)!)
  const path = `${base}/:id/members`
  const body = ['validation_failed', 'unsupported_media_type', 'body_too_large'] as const
  const errors = ['not_found', 'version_mismatch'] as const
  return [
    {
      ...common,
      ...guard('read'),
      method: 'GET',
      path,
      operationId: 'listGroupMembers',
      summary: 'List who is in a group',
      query: pageParameters,
      errors: ['not_found', 'invalid_query'],
      answers: [{ status: 200, description: 'One page', schema: pageOf(z.object({ userId: z.guid() })) }],
      handle: listMembers,
    },
    {
      ...common,
      ...guard('update'),
      method: 'POST',
      path,
      operationId: 'addGroupMember',
      summary: 'Put a member of the tenant into a group',
      body: { schema: memberToAdd },
      errors: [...errors, ...body],
      answers: [{ status: 200, description: 'He is in it', schema: memberToAdd }],
      handle: addToGroup,
    },
    {
      ...common,
      ...guard('update'),
      method: 'PUT',
      path,
      operationId: 'replaceGroupMembers',
      summary: 'Make these the members of a group, and no others',
      body: { schema: memberSet },
      errors: [...errors, ...body],
      answers: [{ status: 200, description: 'They are in it', schema: memberSet }],
      handle: replaceMembers,
    },
    {
      ...common,
      ...guard('update'),
      method: 'DELETE',
      path: `${path}/:userId`,
      operationId: 'removeGroupMember',
      summary: 'Take somebody out of a group',
      errors,
      answers: [{ status: 204, description: 'He is not in it any more' }],
      handle: removeFromGroup,
    },
  ]
}
