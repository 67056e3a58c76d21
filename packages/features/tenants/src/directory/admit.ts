import { problem, statement, type Directory, type Newcomer, type Tenant, type TenantStatus } from '@plinth/core'
import type { Platform, StatementRunner, SystemTransaction } from '@plinth/core'
import { acceptAtRegistration } from '../invitations/accept-invitation.ts'
import { foundUnderFreeSlug } from './slug.ts'

export type Registration = 'found' | 'invited'

/**
 * The first tenant of a newcomer: the one that invited him, or one that he founds, where people may do that.
 * @param registration `found`: whoever was not invited founds a tenant. `invited`: there is none for him.
 */
export function admitBy(registration: Registration): Directory['admit'] {
  return async (platform, system, newcomer) => {
    const { invitationToken: token, userId, email } = newcomer
    if (token !== undefined) {
      const accepted = await acceptAtRegistration(platform, system, { token, userId, email })
      return tenantWithin(system, accepted.tenantId)
    }
    return registration === 'found' ? foundFor(platform, system, newcomer) : undefined
  }
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

/** @throws not_found */
export async function tenantWithin(system: StatementRunner, tenantId: string): Promise<Tenant> {
  const [row] = await system.run(statement`
    select id, slug, name, status, require_mfa from plinth.tenants where id = ${tenantId}::uuid`)
  if (!row) throw problem('not_found')
  return {
    id: String(row['id']),
    slug: String(row['slug']),
    name: String(row['name']),
    status: row['status'] as TenantStatus,
    requireMfa: row['require_mfa'] === true,
  }
}
