import { problem } from '../errors/plinth-error.ts'
import type { Platform } from '../platform/platform.ts'
import type { SystemTransaction } from '../ports/database.ts'
import { statement } from '../ports/statement.ts'

/** Somebody who is no longer (or not at the moment) in a tenant; without a tenant, in any. */
export interface Departure {
  readonly tenantId: string | null
  readonly userId: string
}

export interface StandingChange {
  readonly tenantId: string
  readonly userId: string
  readonly to: 'active' | 'suspended' | 'removed'
}

/**
 * Suspends, reinstates or removes a member, and ends what he holds in that tenant (sessions, refresh families, keys: each feature
 * by its `departure`), all in one transaction. The one way out, as `addMember` is the one way in.
 * @returns false where he is no member
 * @throws last_owner
 */
export async function changeStanding(
  platform: Pick<Platform, 'registry' | 'clock'>,
  system: SystemTransaction,
  { tenantId, userId, to }: StandingChange,
): Promise<boolean> {
  await holdOwners(system, tenantId)
  const now = platform.clock.now()
  const [changed] =
    to === 'removed'
      ? await system.run(statement`
          delete from plinth.memberships
          where tenant_id = ${tenantId}::uuid and user_id = ${userId}::uuid
          returning user_id`)
      : await system.run(statement`
          update plinth.memberships set status = ${to}::text, version = version + 1, updated_at = ${now}::text::timestamptz
          where tenant_id = ${tenantId}::uuid and user_id = ${userId}::uuid
          returning user_id`)
  if (!changed) return false
  if (to === 'active') return true
  await refuseOwnerless(system, tenantId)
  await depart(platform, system, { tenantId, userId })
  return true
}

/** Ends what somebody holds, in one tenant or everywhere. */
export async function depart(
  platform: Pick<Platform, 'registry'>,
  system: SystemTransaction,
  departure: Departure,
): Promise<void> {
  system.changesMembers()
  for (const feature of platform.registry.features) await feature.departure?.(system, departure)
}

/**
 * Waits for the others who change who owns this tenant: of two owners who remove each other at once, the second one must see what
 * the first one did. Before anything is changed, and `refuseOwnerless` after it.
 */
export async function holdOwners(system: SystemTransaction, tenantId: string): Promise<void> {
  system.changesMembers()
  await system.run(statement`select id from plinth.tenants where id = ${tenantId}::uuid for update`)
}

/** @throws last_owner where a tenant has members and none of them is an active owner (any more) */
export async function refuseOwnerless(system: SystemTransaction, tenantId: string): Promise<void> {
  const [row] = await system.run(statement`
    select count(*) filter (where m.status = 'active' and u.status = 'active' and exists (
        select from plinth.user_roles r where r.tenant_id = m.tenant_id and r.user_id = m.user_id and r.role = 'owner'))::int as owners,
      count(*)::int as members
    from plinth.memberships m join plinth.users u on u.id = m.user_id
    where m.tenant_id = ${tenantId}::uuid`)
  if (row?.['owners'] === 0 && row['members'] !== 0) throw problem('last_owner')
}
