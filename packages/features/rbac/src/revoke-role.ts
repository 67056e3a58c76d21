import {
  emptyAnswer,
  holdOwners,
  holdsFor,
  matchVersion,
  problem,
  readQuery,
  refuseAbove,
  refuseOwnerless,
  refuseQuery,
  statement,
  type Call,
  type InputFault,
  type StatementRunner,
  type TextAnswer,
} from '@plinth/core'
import { userRoleInput } from './user-role-input.ts'

/**
 * `DELETE /user-roles/:id`, or `?userId=…&role=…`: takes a role from a member. Who may do less than he can take nothing from him, and
 * the last owner stays; of two owners who demote each other at once, the second one finds himself the last.
 */
export async function revokeRole(call: Call): Promise<TextAnswer> {
  const named = call.parameters.id === undefined ? readNamed(call) : undefined
  if (!named) refuseQuery(call)
  const ifVersion = matchVersion(call.headers['if-match'])
  const { request, scope, visible, allowed } = call
  const { resource } = request.route
  const tenantId = request.tenant.id
  // Holding the owners drops what this process remembers of members, once it is committed; others follow within a second.
  return call.transactAsSystem(async (system, transaction) => {
    await holdOwners(system, tenantId)
    const id = named ? await idOf(system, tenantId, named) : call.parameters.id!
    const row = id === undefined ? undefined : await transaction.lock({ resource, id, visible, strength: 'delete' })
    if (!row) throw problem('not_found')
    if (!holdsFor(resource, row, allowed, scope.facts))
      throw problem('permission_denied', { detail: 'This row needs the permission userRole:delete in a wider scope.' })
    const roles = await rolesOf(system, tenantId, String(row['userId']))
    await refuseAbove(call.platform, system, request.principal, { tenantId, roles })
    if (ifVersion !== undefined && Number(row['version']) !== ifVersion) throw problem('version_mismatch')
    await transaction.delete({
      resource,
      id: String(row['id']),
      visible,
      allowed,
      ifVersion: undefined,
      event: 'deleted',
    })
    await refuseOwnerless(system, tenantId)
    return emptyAnswer(204)
  })
}

interface Named {
  readonly userId: string
  readonly role: string
}

/** @throws invalid_query */
function readNamed(call: Call): Named {
  const wanted = ['userId', 'role'] as const
  refuseQuery(call, wanted)
  const given = call.search === '' ? new Map<string, string>() : readQuery(call.search)
  const result = userRoleInput.safeParse(Object.fromEntries(given))
  if (result.success) return result.data
  const errors: readonly InputFault[] = wanted
    .filter((name) => !userRoleInput.shape[name].safeParse(given.get(name)).success)
    .map((name) => ({
      path: `?${name}`,
      code: given.has(name) ? 'invalid_value' : 'required',
      message: name === 'userId' ? 'Expected the id of a member' : 'Expected the name of a role',
    }))
  throw problem('invalid_query', { errors })
}

async function idOf(system: StatementRunner, tenantId: string, { userId, role }: Named): Promise<string | undefined> {
  const [row] = await system.run(statement`
    select id from plinth.user_roles
    where tenant_id = ${tenantId}::uuid and user_id = ${userId}::uuid and role = ${role}::text`)
  return row ? String(row['id']) : undefined
}

async function rolesOf(system: StatementRunner, tenantId: string, userId: string): Promise<readonly string[]> {
  const rows = await system.run(statement`
    select role from plinth.user_roles where tenant_id = ${tenantId}::uuid and user_id = ${userId}::uuid order by role`)
  return rows.map((row) => String(row['role']))
}
