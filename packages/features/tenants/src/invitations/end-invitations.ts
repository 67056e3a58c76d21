import { statement, type Departure, type FixedStatement, type StatementRunner } from '@plinth/core'

/** What somebody asked others into goes with him: the links of whoever was put out must not bring in his friends. */
export async function revokeInvitationsOf(system: StatementRunner, { tenantId, userId }: Departure): Promise<void> {
  await system.run(statement`
    update plinth.invitations set status = 'revoked', token_hash = null, version = version + 1, updated_at = now()
    where owner_user_id = ${userId}::uuid and status = 'pending'
      and (${tenantId}::uuid is null or tenant_id = ${tenantId}::uuid)`)
}

const KEPT_MS = 90 * 86_400_000

/** Removes invitations that ended three months ago. */
export function oldInvitations(now: Date): FixedStatement {
  return statement`
    delete from plinth.invitations where ctid = any (array(
      select ctid from plinth.invitations
      where expires_at < ${new Date(now.getTime() - KEPT_MS)}::text::timestamptz limit 1000))`
}
