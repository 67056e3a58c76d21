import {
  problem,
  scopeOf,
  statement,
  type Client,
  type Platform,
  type Principal,
  type RawRow,
  type SystemTransaction,
  type TenantStatus,
} from '@plinth/core'
import { tenantWithin } from '../directory/tenant-within.ts'
import { lockTenant, readTenant } from './tenant-row.ts'
import { nextStatus, transitions, type Transition } from './transitions.ts'

export interface StatusChange {
  readonly tenantId: string
  readonly transition: Transition
  readonly principal: Principal
  readonly requestId: string
  readonly client?: Client | undefined
  /** For a request to delete: when it is over. */
  readonly deleteAfter?: Date
  readonly ifVersion?: number | undefined
}

/**
 * Takes a tenant from one state to the next and tells of it, in one transaction.
 * @returns the tenant as it is then
 * @throws not_found, version_mismatch, conflict where there is no such way from its state
 */
export async function changeStatus(
  platform: Platform,
  system: SystemTransaction,
  { tenantId, transition, principal, requestId, client, deleteAfter, ifVersion }: StatusChange,
): Promise<RawRow> {
  const row = await lockTenant(system, tenantId)
  if (!row) throw problem('not_found')
  if (ifVersion !== undefined && row['version'] !== ifVersion) throw problem('version_mismatch')
  const status = String(row['status']) as TenantStatus
  const to = nextStatus(status, transition)
  if (to === undefined) throw problem('conflict', { detail: `The tenant is ${status.replace('_', ' ')}.` })
  const now = platform.clock.now()
  system.changesMembers()
  await system.run(statement`
    update plinth.tenants
    set status = ${to}::text, delete_after = ${deleteAfter ?? null}::text::timestamptz, deletion_announced_at = null,
      version = version + 1, updated_at = ${now}::text::timestamptz
    where id = ${tenantId}::uuid`)
  const tenant = await tenantWithin(system, tenantId)
  const transaction = await system.within(
    scopeOf(platform, { principal, tenant, requestId, ...(client && { client }) }),
  )
  const data = {
    id: tenantId,
    slug: tenant.slug,
    from: status,
    to,
    ...(deleteAfter && { deleteAfter: deleteAfter.toISOString() }),
  }
  await transaction.emit({ type: transitions[transition].event, key: tenantId, data })
  return (await readTenant(system, tenantId)) ?? row
}
