import type { Principal } from '../auth/principal.ts'
import { problem } from '../errors/plinth-error.ts'
import type { Platform } from '../platform/platform.ts'
import type { StatementRunner } from '../ports/database.ts'
import { statement } from '../ports/statement.ts'
import { alwaysWithin } from './grant-roles.ts'
import { rolesIn } from './roles.ts'

/** Whose roles are meant: exactly one of the three. */
export type RoleHolder =
  | { readonly userId: string }
  | { readonly groupId: string }
  | { readonly serviceAccountId: string }

/**
 * Names of the roles that somebody has in a tenant, as they are at this moment in this transaction: of a member his own and those of
 * his groups, whatever his standing; of a group or a service account its own.
 */
export async function heldRoles(
  runner: StatementRunner,
  tenantId: string,
  holder: RoleHolder,
): Promise<readonly string[]> {
  const userId = 'userId' in holder ? holder.userId : null
  const groupId = 'groupId' in holder ? holder.groupId : null
  const serviceAccountId = 'serviceAccountId' in holder ? holder.serviceAccountId : null
  const rows = await runner.run(statement`
    select r.role from plinth.user_roles r
    where r.tenant_id = ${tenantId}::uuid
      and (r.user_id = ${userId}::uuid or r.group_id = ${groupId}::uuid or r.service_account_id = ${serviceAccountId}::uuid)
    union
    select r.role from plinth.group_members g
    join plinth.user_roles r on r.tenant_id = g.tenant_id and r.group_id = g.group_id
    where g.tenant_id = ${tenantId}::uuid and g.user_id = ${userId}::uuid
    order by 1`)
  return rows.map((row) => String(row['role']))
}

/**
 * Who is in a group has its roles: to put somebody into it gives them, to take him out of it takes them. Nobody does either with what
 * he has not got himself, in the same scope; otherwise whoever may change groups would put himself into that of the admins.
 * In the transaction that changes the group, which holds its row.
 * @throws permission_denied
 */
export async function refuseGroupChange(
  platform: Pick<Platform, 'roles'>,
  runner: StatementRunner,
  principal: Principal,
  { tenantId, groupId }: { readonly tenantId: string; readonly groupId: string },
): Promise<void> {
  if (principal.kind === 'system') return
  const roles = await heldRoles(runner, tenantId, { groupId })
  if (roles.length === 0) return
  const port = rolesIn(platform, runner).roles
  const given = await port.permissionsOf(tenantId, roles)
  if (given.isWithin(principal.permissions) && alwaysWithin(port, roles, principal.roles ?? [])) return
  throw problem('permission_denied', { detail: 'The roles of this group may do more than you may yourself.' })
}
