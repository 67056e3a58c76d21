import type { Principal } from '../auth/principal.ts'
import { problem } from '../errors/plinth-error.ts'
import type { Platform } from '../platform/platform.ts'
import type { StatementRunner } from '../ports/database.ts'
import { alwaysWithin, OWNER } from './grant-roles.ts'
import { heldRoles, type RoleHolder } from './held-roles.ts'
import { rolesIn } from './roles.ts'

/**
 * Nobody suspends, removes or changes those who may do more than he may himself: an admin could otherwise take the tenant from its
 * owner by removing him, and whoever makes a key for a service has the service. What a member has by his groups counts. Of a person
 * that holds for himself without a word; a key of his may do less than he, and is held to it.
 * @param of the other one: a member, a group or a service account of the tenant
 * @throws permission_denied
 */
export async function refuseAbove(
  platform: Pick<Platform, 'roles'>,
  system: StatementRunner,
  principal: Principal,
  { tenantId, ...of }: { readonly tenantId: string } & RoleHolder,
): Promise<void> {
  if (principal.kind === 'system') return
  const roles = await heldRoles(system, tenantId, of)
  if (roles.includes(OWNER) && !principal.roles?.includes(OWNER))
    throw problem('permission_denied', { detail: 'Only an owner does this to an owner.' })
  const port = rolesIn(platform, system).roles
  const rights = await port.permissionsOf(tenantId, roles)
  if (!rights.isWithin(principal.permissions) || !alwaysWithin(port, roles, principal.roles ?? []))
    throw problem('permission_denied', { detail: detailFor(of) })
}

function detailFor(of: RoleHolder): string {
  const whose = 'userId' in of ? 'This member' : 'groupId' in of ? 'This group' : 'This service'
  return `${whose} may do more than you may yourself.`
}
