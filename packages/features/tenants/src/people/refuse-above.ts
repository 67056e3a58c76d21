import { OWNER, problem, type Platform, type Principal } from '@plinth/core'

/**
 * Nobody suspends, removes or changes those who may do more than he may himself: an admin could otherwise take the tenant from its
 * owner by removing him.
 * @param roles what the other one is in the tenant
 * @throws permission_denied
 */
export async function refuseAbove(
  platform: Pick<Platform, 'roles'>,
  principal: Principal,
  {
    tenantId,
    userId,
    roles,
  }: { readonly tenantId: string; readonly userId: string; readonly roles: readonly string[] },
): Promise<void> {
  if (principal.kind === 'system' || principal.userId === userId) return
  if (roles.includes(OWNER) && !principal.roles?.includes(OWNER))
    throw problem('permission_denied', { detail: 'Only an owner does this to an owner.' })
  const theirs = await platform.roles.permissionsOf(tenantId, roles)
  if (!theirs.isWithin(principal.permissions))
    throw problem('permission_denied', { detail: 'He may do more here than you may yourself.' })
}
