import {
  always,
  holdOwners,
  holdsFor,
  jsonAnswer,
  problem,
  refuseGrant,
  refuseOwning,
  refuseQuery,
  rowPrinter,
  statement,
  validate,
  type Call,
  type InputFault,
  type RoleHolder,
  type StatementRunner,
  type TextAnswer,
  type Transaction,
} from '@plinth/core'
import { randomUUID } from 'node:crypto'
import { namesWithin, rolesWithin } from './custom-roles.ts'
import type { Definitions } from './definitions.ts'
import { holderColumns, holderKeys, userRoleInput } from './user-role-input.ts'

/**
 * `POST /user-roles`: gives a member, a group or a service account a role. Nobody gives what he has not got himself; what the role may
 * do is read in the transaction that gives it, and it cannot be deleted meanwhile.
 */
export async function assignRole(call: Call, { rights }: Definitions): Promise<TextAnswer> {
  refuseQuery(call)
  const { holder, role } = validate(userRoleInput, call.body)
  const { platform, scope, request } = call
  const { resource } = request.route
  const tenantId = request.tenant.id
  const printer = rowPrinter(resource)
  const columns = holderColumns(holder)
  const owners = { ownerUserId: columns.userId, ownerGroupId: columns.groupId }
  // Holding the owners drops what this process remembers of members, once it is committed; others follow within a second.
  return call.transactAsSystem(async (system, transaction) => {
    await holdOwners(system, tenantId)
    if (!holdsFor(resource, { ...columns, ...owners }, call.allowed, scope.facts))
      throw problem('permission_denied', { detail: 'This needs the permission userRole:create in a wider scope.' })
    await refuseGrant(
      { roles: rights.port(rolesWithin(system), namesWithin(system)) },
      request.principal,
      tenantId,
      [role],
      '/role',
    )
    if (!('userId' in holder)) refuseOwning([role], '/role')
    if (!(await isThere(call, system, transaction, holder)))
      throw problem('validation_failed', { errors: [notThere(holder)] })
    const values = new Map([
      ...holderKeys.map((key) => [resource.byKey.get(key)!, columns[key]] as const),
      [resource.byKey.get('role')!, role] as const,
    ])
    const row = await transaction.create({ resource, id: randomUUID(), ownerUserId: columns.userId, values })
    const location = `${platform.basePath}/api/v1/${resource.path}/${String(row['id'])}`
    return jsonAnswer(201, printer.print(row), { etag: printer.etag(row), location })
  })
}

/** Of another tenant's people, groups and services it is said, too, that there are none. */
function notThere(holder: RoleHolder): InputFault {
  const [path, what] =
    'userId' in holder
      ? ['/userId', 'member']
      : 'groupId' in holder
        ? ['/groupId', 'group']
        : ['/serviceAccountId', 'service account']
  return { path, code: 'reference_not_found', message: `There is no such ${what} of the tenant` }
}

/** Held until the end of the transaction, so that it cannot leave meanwhile. */
async function isThere(
  { platform, scope: { tenantId } }: Call,
  system: StatementRunner,
  transaction: Transaction,
  holder: RoleHolder,
): Promise<boolean> {
  if ('serviceAccountId' in holder) {
    // Another feature's: where nobody brings service accounts there is none.
    const resource = platform.registry.resources.find((one) => one.name === 'serviceAccount')
    const id = holder.serviceAccountId
    return resource !== undefined && (await transaction.lock({ resource, id, visible: always })) !== undefined
  }
  const rows =
    'userId' in holder
      ? await system.run(statement`
          select user_id from plinth.memberships
          where tenant_id = ${tenantId}::uuid and user_id = ${holder.userId}::uuid for key share`)
      : await system.run(statement`
          select id from plinth.groups where tenant_id = ${tenantId}::uuid and id = ${holder.groupId}::uuid for key share`)
  return rows.length > 0
}
