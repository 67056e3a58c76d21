import { statement, type Departure, type FixedStatement, type StatementRunner } from '@plinth/core'
import { daysAfter } from '../days-after.ts'

/** What somebody asked others into goes with him: the links of whoever was put out must not bring in his friends. */
export async function revokeInvitationsOf(system: StatementRunner, { tenantId, userId }: Departure): Promise<void> {
  await system.run(statement`
    update plinth.invitations set status = 'revoked', token_hash = null, version = version + 1, updated_at = now()
    where owner_user_id = ${userId}::uuid and status = 'pending'
      and (${tenantId}::uuid is null or tenant_id = ${tenantId}::uuid)`)
}

/** Removes invitations that ended three months ago. */
export function oldInvitations(now: Date): FixedStatement {
  return statement`
    delete from plinth.invitations where ctid = any (array(
      select ctid from plinth.invitations
      where expires_at < ${daysAfter(now, -90)}::text::timestamptz limit 1000))`
}
