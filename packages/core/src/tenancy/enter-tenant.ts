import type { Principal } from '../auth/principal.ts'
import { problem } from '../errors/plinth-error.ts'
import type { Platform } from '../platform/platform.ts'
import type { Member, Tenant } from './tenant.ts'

/**
 * The principal with the rights that it has in this tenant: those of the membership, those of the roles of its key, or what both
 * allow. Who is no member is told what a stranger is told.
 * @throws tenant_forbidden, second_factor_required
 */
export async function enterTenant(platform: Platform, principal: Principal, tenant: Tenant): Promise<Principal> {
  const { rights } = principal
  if (!rights) return principal
  const { member: userId, roles } = rights
  const member = userId === undefined ? undefined : await membership(platform, tenant, userId)
  if (member && tenant.requireMfa && principal.session?.secondFactor !== true) throw problem('second_factor_required')
  const ofMember = member && (await platform.roles.permissionsOf(tenant.id, member.roles))
  const ofRoles = roles && (await platform.roles.permissionsOf(tenant.id, roles))
  const permissions = ofMember && ofRoles ? ofRoles.within(ofMember) : (ofMember ?? ofRoles)
  return {
    ...principal,
    ...(permissions && { permissions }),
    groupIds: member?.groupIds ?? principal.groupIds,
    roles: platform.roles.rank(roles ?? member?.roles ?? []),
  }
}

async function membership(platform: Platform, tenant: Tenant, userId: string): Promise<Member> {
  const member = await platform.database.findMember(tenant.id, userId)
  if (member?.status !== 'active') throw problem('tenant_forbidden')
  return member
}
