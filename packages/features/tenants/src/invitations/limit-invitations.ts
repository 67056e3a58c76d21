import { foldedName, type Call } from '@plinth/core'

const HOUR = 3_600

/**
 * Whoever founds a tenant may send mails to anybody: 5 an hour to one address, 200 from one person or program. His keys count as he,
 * and so do his other tenants.
 * @throws rate_limited, unavailable
 */
export async function limitInvitations({ platform, request, scope }: Call, email: string): Promise<void> {
  const { principal } = request
  await platform.rates.attempt([
    { name: 'invitation', by: [scope.tenantId, foldedName(email)], capacity: 5, windowSeconds: HOUR },
    { name: 'invitations', by: [principal.userId ?? principal.id], capacity: 200, windowSeconds: HOUR },
  ])
}
