import {
  holdOwners,
  holdsFor,
  jsonAnswer,
  problem,
  refuseGrant,
  refuseQuery,
  rowPrinter,
  statement,
  validate,
  type Call,
  type InputFault,
  type StatementRunner,
  type TextAnswer,
} from '@plinth/core'
import { randomUUID } from 'node:crypto'
import { rolesWithin } from './custom-roles.ts'
import type { Definitions } from './definitions.ts'
import { userRoleInput } from './user-role-input.ts'

/**
 * `POST /user-roles`: gives a member a role. Nobody gives what he has not got himself; what the role may do is read in the transaction
 * that gives it, and it cannot be deleted meanwhile.
 */
export async function assignRole(call: Call, { rights }: Definitions): Promise<TextAnswer> {
  refuseQuery(call)
  const { userId, role } = validate(userRoleInput, call.body)
  const { platform, scope, request } = call
  const { resource } = request.route
  const tenantId = request.tenant.id
  const printer = rowPrinter(resource)
  // Holding the owners drops what this process remembers of members, once it is committed; others follow within a second.
  return call.transactAsSystem(async (system, transaction) => {
    await holdOwners(system, tenantId)
    if (!holdsFor(resource, { userId, ownerUserId: userId, ownerGroupId: null }, call.allowed, scope.facts))
      throw problem('permission_denied', { detail: 'This needs the permission userRole:create in a wider scope.' })
    await refuseGrant({ roles: rights.port(rolesWithin(system)) }, request.principal, tenantId, [role], '/role')
    if (!(await isMember(system, tenantId, userId))) throw problem('validation_failed', { errors: [noMember] })
    const values = new Map([
      [resource.byKey.get('userId')!, userId],
      [resource.byKey.get('role')!, role],
    ])
    const row = await transaction.create({ resource, id: randomUUID(), ownerUserId: userId, values })
    const location = `${platform.basePath}/api/v1/${resource.path}/${String(row['id'])}`
    return jsonAnswer(201, printer.print(row), { etag: printer.etag(row), location })
  })
}

const noMember: InputFault = {
  path: '/userId',
  code: 'reference_not_found',
  message: 'There is no such member of the tenant',
}

async function isMember(system: StatementRunner, tenantId: string, userId: string): Promise<boolean> {
  const rows = await system.run(statement`
    select user_id from plinth.memberships where tenant_id = ${tenantId}::uuid and user_id = ${userId}::uuid for key share`)
  return rows.length > 0
}
