import {
  givenTime,
  isoTime,
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

const DAY_S = 86_400

export interface StatusChange {
  readonly tenantId: string
  readonly transition: Transition
  readonly principal: Principal
  readonly requestId: string
  readonly client?: Client | undefined
  /** For a request to delete: how long it may be taken back, by the clock of the database, which ends these days as well. */
  readonly graceDays?: number
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
  { tenantId, transition, principal, requestId, client, graceDays, ifVersion }: StatusChange,
): Promise<RawRow> {
  const row = await lockTenant(system, tenantId)
  if (!row) throw problem('not_found')
  if (ifVersion !== undefined && row['version'] !== ifVersion) throw problem('version_mismatch')
  const status = String(row['status']) as TenantStatus
  const to = nextStatus(status, transition)
  if (to === undefined) throw problem('conflict', { detail: `The tenant is ${status.replace('_', ' ')}.` })
  const now = givenTime(platform)
  system.changesMembers()
  const [changed] = await system.run(statement`
    update plinth.tenants
    set status = ${to}::text, deletion_announced_at = null, version = version + 1,
      delete_after = coalesce(${now}::text::timestamptz, statement_timestamp())
        + make_interval(secs => ${graceDays === undefined ? null : graceDays * DAY_S}::text::double precision),
      updated_at = coalesce(${now}::text::timestamptz, statement_timestamp())
    where id = ${tenantId}::uuid returning delete_after`)
  const deleteAfter = changed?.['delete_after'] ?? null
  const tenant = await tenantWithin(system, tenantId)
  const transaction = await system.within(
    scopeOf(platform, { principal, tenant, requestId, ...(client && { client }) }),
  )
  const data = {
    id: tenantId,
    slug: tenant.slug,
    from: status,
    to,
    ...(deleteAfter !== null && { deleteAfter: isoTime(String(deleteAfter)) }),
  }
  await transaction.emit({ type: transitions[transition].event, key: tenantId, data })
  return (await readTenant(system, tenantId)) ?? row
}
