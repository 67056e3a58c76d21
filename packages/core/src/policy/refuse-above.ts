import type { Principal } from '../auth/principal.ts'
import { problem } from '../errors/plinth-error.ts'
import type { Platform } from '../platform/platform.ts'
import type { StatementRunner } from '../ports/database.ts'
import { OWNER } from './grant-roles.ts'
import { rolesIn } from './roles.ts'

/**
 * Nobody suspends, removes or changes those who may do more than he may himself: an admin could otherwise take the tenant from its
 * owner by removing him, and whoever makes a key for a service has the service. Of a person that holds for himself without a word; a
 * key of his may do less than he, and is held to it.
 * @param roles what the other one, a member or a service, is in the tenant
 * @throws permission_denied
 */
export async function refuseAbove(
  platform: Pick<Platform, 'roles'>,
  system: StatementRunner,
  principal: Principal,
  { tenantId, roles }: { readonly tenantId: string; readonly roles: readonly string[] },
): Promise<void> {
  if (principal.kind === 'system') return
  if (roles.includes(OWNER) && !principal.roles?.includes(OWNER))
    throw problem('permission_denied', { detail: 'Only an owner does this to an owner.' })
  const theirs = await rolesIn(platform, system).roles.permissionsOf(tenantId, roles)
  if (!theirs.isWithin(principal.permissions))
    throw problem('permission_denied', { detail: 'Whom this is done to may do more here than you may yourself.' })
}
