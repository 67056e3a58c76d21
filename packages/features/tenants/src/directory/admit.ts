import { randomUUID } from 'node:crypto'
import {
  addMember,
  systemPrincipal,
  type Directory,
  type Newcomer,
  type Platform,
  type SystemTransaction,
  type Tenant,
} from '@plinth/core'
import { acceptAtRegistration } from '../invitations/accept-invitation.ts'
import { announceMember, type Announcement } from '../people/announce-member.ts'
import { tenantToJoin } from '../domains/domain-owner.ts'
import { JOINING_ROLES } from '../domains/domain-routes.ts'
import { tenantWithin } from './tenant-within.ts'
import { foundUnderFreeSlug } from './slug.ts'

export type Registration = 'found' | 'invited'

/**
 * The first tenant of a newcomer: the one that invited him, the one whose domain his verified address has, or one that
 * he founds, where people may do that.
 * @param registration `found`: whoever was not invited founds a tenant. `invited`: there is none for him.
 */
export function admitBy(registration: Registration): Directory['admit'] {
  return async (platform, system, newcomer) => {
    const { invitationToken: token, userId } = newcomer
    if (token !== undefined) {
      const { tenant, roles } = await acceptAtRegistration(platform, system, { token, userId })
      await announceMember(platform, system, { ...byRegistration(platform), tenant, userId, roles })
      return tenant
    }
    const joined = await joinByDomain(platform, system, newcomer)
    if (joined) return joined
    return registration === 'found' ? foundFor(platform, system, newcomer) : undefined
  }
}

/** By an address that is proven to be his: anybody could give another one. */
async function joinByDomain(
  platform: Platform,
  system: SystemTransaction,
  { userId, email, emailVerified }: Newcomer,
): Promise<Tenant | undefined> {
  const tenantId = emailVerified && email !== null ? await tenantToJoin(system, userId, email) : undefined
  if (tenantId === undefined) return undefined
  const tenant = await tenantWithin(system, tenantId)
  await addMember(system, { tenantId, userId, roles: JOINING_ROLES })
  await announceMember(platform, system, { ...byRegistration(platform), tenant, userId, roles: JOINING_ROLES })
  return tenant
}

function byRegistration(platform: Platform): Pick<Announcement, 'principal' | 'requestId'> {
  return { principal: systemPrincipal(platform.registry.permissions, 'registration'), requestId: randomUUID() }
}

async function foundFor(platform: Platform, system: SystemTransaction, newcomer: Newcomer): Promise<Tenant> {
  const { founded: _, ...tenant } = await foundUnderFreeSlug(platform, system, {
    name: nameOf(newcomer),
    founder: newcomer.userId,
  })
  return tenant
}

/** What he called it, else his own name, else what stands before the @ of his address. */
function nameOf({ organizationName, name, email }: Newcomer): string {
  const said = [organizationName, name, email?.split('@')[0]].map((each) => each?.trim() ?? '')
  return (said.find((each) => each !== '') ?? 'Team').slice(0, 200)
}
