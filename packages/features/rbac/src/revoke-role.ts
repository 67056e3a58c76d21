import {
  admits,
  emptyAnswer,
  holdOwners,
  matchVersion,
  problem,
  readQuery,
  refuseAbove,
  refuseOwnerless,
  refuseQuery,
  statement,
  type Call,
  type InputFault,
  type RawRow,
  type RoleHolder,
  type StatementRunner,
  type TextAnswer,
} from '@plinth/core'
import {
  holderColumns,
  holderFields,
  holderKeys,
  holderOf,
  roleName,
  userRoleInput,
  type Assignment,
  type HolderKey,
} from './user-role-input.ts'

/**
 * `DELETE /user-roles/:id`, or `?userId=…&role=…` (`groupId=`, `serviceAccountId=`): takes a role from whoever has it. Who may do less
 * than he can take nothing from him, and the last owner stays; of two owners who demote each other at once, the second one finds
 * himself the last.
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
    if (!(await admits(transaction, resource, row, allowed, scope.facts)))
      throw problem('permission_denied', { detail: 'This row needs the permission userRole:delete in a wider scope.' })
    await refuseAbove(call.platform, system, request.principal, { tenantId, ...holderIn(row) })
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

/** @throws invalid_query */
function readNamed(call: Call): Assignment {
  const wanted = [...holderKeys, 'role'] as const
  refuseQuery(call, wanted)
  const given = call.search === '' ? new Map<string, string>() : readQuery(call.search)
  const result = userRoleInput.safeParse(Object.fromEntries(given))
  if (result.success) return result.data
  const named = holderKeys.filter((key) => given.has(key))
  const faults: InputFault[] = named
    .filter((key) => !holderFields[key].safeParse(given.get(key)).success)
    .map((key) => ({ path: `?${key}`, code: 'invalid_value', message: 'Expected an id' }))
  if (named.length === 0) faults.push({ path: '?userId', code: 'required', message: oneOf })
  if (named.length > 1) faults.push({ path: `?${named[1]!}`, code: 'one_holder', message: oneOf })
  if (!roleName.safeParse(given.get('role')).success)
    faults.push({
      path: '?role',
      code: given.has('role') ? 'invalid_value' : 'required',
      message: 'Expected the name of a role',
    })
  throw problem('invalid_query', { errors: faults })
}

const oneOf = `Expected one of ${holderKeys.join(', ')}`

async function idOf(
  system: StatementRunner,
  tenantId: string,
  { holder, role }: Assignment,
): Promise<string | undefined> {
  const { userId, groupId, serviceAccountId } = holderColumns(holder)
  const [row] = await system.run(statement`
    select id from plinth.user_roles
    where tenant_id = ${tenantId}::uuid and role = ${role}::text
      and (user_id = ${userId}::uuid or group_id = ${groupId}::uuid or service_account_id = ${serviceAccountId}::uuid)`)
  return row ? String(row['id']) : undefined
}

/** Whose role a stored row is. */
function holderIn(row: RawRow): RoleHolder {
  const text = (key: HolderKey): string | undefined => (row[key] === null ? undefined : String(row[key]))
  return holderOf({ userId: text('userId'), groupId: text('groupId'), serviceAccountId: text('serviceAccountId') })
}
