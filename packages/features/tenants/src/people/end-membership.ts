import { statement, type Departure, type StatementRunner } from '@plinth/core'
import { revokeInvitationsOf } from '../invitations/end-invitations.ts'

/**
 * Whoever leaves a tenant, or is put out or suspended, takes his invitations along and does not come back by the domain of his address:
 * he verified it once, and may have lost the mailbox with the job.
 */
export async function endMembership(system: StatementRunner, departure: Departure): Promise<void> {
  await revokeInvitationsOf(system, departure)
  const { tenantId, userId } = departure
  if (tenantId === null) return
  await system.run(statement`
    insert into plinth.parted_members (tenant_id, user_id) values (${tenantId}::uuid, ${userId}::uuid) on conflict do nothing`)
}
