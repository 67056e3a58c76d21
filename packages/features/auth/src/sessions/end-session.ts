import { statement, type Departure, type StatementRunner } from '@plinth/core'
import { revokeKeys } from '../api-keys/revoke-keys.ts'
import type { Auth } from '../auth-parts.ts'

/** Which sessions of a user end. Their refresh families end with them, and their access tokens within a second. */
export interface EndedSessions {
  readonly userId: string
  /** This one only. */
  readonly id?: string | undefined
  /** All but this one. */
  readonly except?: string | undefined
  /** Only those that work in this tenant. */
  readonly tenantId?: string | undefined
  /** Why, for lists of sessions: `signed out`. */
  readonly by: string
}

/** @returns how many were alive */
export async function endSessions(
  auth: Pick<Auth, 'platform'>,
  system: StatementRunner,
  { userId, id, except, tenantId, by }: EndedSessions,
): Promise<number> {
  const now = auth.platform.clock.now()
  const rows = await system.run(statement`
    update plinth.sessions set ended_at = ${now}::text::timestamptz, ended_by = ${by}::text, updated_at = ${now}::text::timestamptz,
      version = version + 1
    where owner_user_id = ${userId}::uuid and ended_at is null
      and (${id ?? null}::text is null or id = ${id ?? null}::text::uuid)
      and (${except ?? null}::text is null or id <> ${except ?? null}::text::uuid)
      and (${tenantId ?? null}::text is null or tenant_id = ${tenantId ?? null}::text::uuid)
    returning id`)
  return rows.length
}

/** Who leaves a tenant, or is suspended there, is signed out of it, and his keys end; who is closed altogether, everywhere. */
export async function endOnDeparture(
  auth: Pick<Auth, 'platform'>,
  system: StatementRunner,
  { tenantId, userId }: Departure,
): Promise<void> {
  await endSessions(auth, system, { userId, tenantId: tenantId ?? undefined, by: 'no longer a member' })
  await revokeKeys(system, auth.platform.clock.now(), { ownerId: userId, tenantId: tenantId ?? undefined })
}
