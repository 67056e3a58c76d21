import {
  listAnswerSchema,
  listParameters,
  listRows,
  outputSchema,
  readRow,
  routePartsOf,
  type FieldInfo,
  type GuardedRoute,
  type Registry,
  type ResourceInfo,
} from '@plinth/core'
import { members } from './user-resource.ts'

/** `/memberships`: the rows of `/users` in the words of membership, without names and addresses. The permission is `user:read`. */
export function membershipRoutes(registry: Registry): readonly GuardedRoute[] {
  const user = registry.byTable.get(members)!
  const membership = membershipOf(user)
  const facts = {
    ...routePartsOf(registry, user).common,
    ...routePartsOf(registry, user).guard('read'),
    resource: membership,
    guarded: user,
    tag: 'membership',
    method: 'GET',
  } as const
  return [
    {
      ...facts,
      path: '/api/v1/memberships',
      operationId: 'listMembership',
      summary: 'List who belongs to the tenant',
      query: listParameters(membership),
      errors: ['invalid_query', 'invalid_cursor', 'too_many_exports'],
      answers: [{ status: 200, description: 'One page', schema: listAnswerSchema(outputSchema(membership)) }],
      handle: listRows,
    },
    {
      ...facts,
      path: '/api/v1/memberships/:id',
      operationId: 'readMembership',
      summary: 'Read one membership, by the id of its user',
      errors: ['invalid_query', 'not_found'],
      answers: [
        { status: 200, description: 'The membership', schema: outputSchema(membership), headers: ['ETag'] },
        { status: 304, description: 'Unchanged since the ETag in If-None-Match' },
      ],
      handle: readRow,
    },
  ]
}

const personal = new Set(['email', 'username', 'name'])

/** Another view of the same resource: what is personal is out of reach of filters and search, too. */
function membershipOf(user: ResourceInfo): ResourceInfo {
  const fields = user.fields.map((field): FieldInfo => {
    if (field.key === 'userId') return { ...field, hidden: false, readOnly: true, filter: true }
    return personal.has(field.key) ? { ...field, hidden: true, filter: false, sort: false, search: false } : field
  })
  return {
    ...user,
    name: 'membership',
    path: 'memberships',
    description: 'Who belongs to the tenant, and as what.',
    fields,
    byKey: new Map(fields.map((field) => [field.key, field])),
  }
}
