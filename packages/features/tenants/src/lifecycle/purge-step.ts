import { randomUUID } from 'node:crypto'
import {
  auditedByPlatform,
  givenTime,
  scopeOf,
  statement,
  systemPrincipal,
  type Platform,
  type SystemTransaction,
} from '@plinth/core'
import { tenantWithin } from '../directory/tenant-within.ts'

/** Rows a step: a delete of millions would hold its locks for minutes. */
const ROWS = 5_000

/** A tenant whose time has come. */
interface Due {
  readonly id: string
  readonly slug: string
  /** Whether its end was announced. */
  readonly told: boolean
  /** Whether somebody has yet to hear of it. */
  readonly waits: boolean
}

/**
 * Takes tenants whose time has come a step further: a bounded number of rows, and in the end the tenant. Features are told first, while
 * it is still there to be told of; what they have not heard after a day is not waited for.
 * @returns how many rows went; 0 where there is nothing left to do now
 */
export async function purgeStep(platform: Platform, system: SystemTransaction, most = ROWS): Promise<number> {
  let total = 0
  for (const due of await dueTenants(platform, system)) {
    if (total >= most) break
    if (!due.told) {
      await announce(platform, system, due)
      if (platform.registry.listened.has('tenant.deleted')) continue
    } else if (due.waits) continue
    const [row] = await system.run(statement`
      select plinth.purge_tenant_rows(${due.id}::uuid, ${most - total}::int) as gone`)
    const gone = Number(row?.['gone'])
    total += gone
    if (gone > 0) continue
    await end(platform, system, due)
    total += 1
  }
  return total
}

/**
 * Some of them, locked; what another process is at is left to it. By the clock of the database: what a process that is ten days ahead
 * removes within the days of grace, nobody brings back.
 */
async function dueTenants(platform: Platform, system: SystemTransaction): Promise<readonly Due[]> {
  const now = givenTime(platform)
  const rows = await system.run(statement`
    select t.id, t.slug, t.deletion_announced_at is not null as told,
      coalesce(t.deletion_announced_at > coalesce(${now}::text::timestamptz, statement_timestamp()) - interval '1 day', false) and exists (
        select from plinth.events e where e.tenant_id = t.id and e.type = 'tenant.deleted' and e.delivered_at is null) as waits
    from plinth.tenants t
    where t.status = 'pending_deletion' and t.delete_after <= coalesce(${now}::text::timestamptz, statement_timestamp())
    order by t.delete_after limit 20 for update skip locked`)
  return rows.map((row) => ({
    id: String(row['id']),
    slug: String(row['slug']),
    told: row['told'] === true,
    waits: row['waits'] === true,
  }))
}

/** To whoever listens, and in the tenant's own log, which stays. */
async function announce(platform: Platform, system: SystemTransaction, { id, slug }: Due): Promise<void> {
  await system.run(statement`
    update plinth.tenants set deletion_announced_at = coalesce(${givenTime(platform)}::text::timestamptz, statement_timestamp()) where id = ${id}::uuid`)
  const tenant = await tenantWithin(system, id)
  const principal = systemPrincipal(platform.registry.permissions, `the end of ${slug}`)
  const transaction = await system.within(scopeOf(platform, { principal, tenant, requestId: randomUUID() }))
  await transaction.emit({ type: 'tenant.deleted', key: id, data: { id, slug } })
}

/**
 * Nothing of it is left: its schema, where it has one, and its row. That it is gone is in the log of the platform, for in its own nobody
 * who is left may read.
 */
async function end(platform: Platform, system: SystemTransaction, { id, slug }: Due): Promise<void> {
  system.changesMembers()
  await system.run(statement`select plinth.drop_tenant_schema(${id}::uuid)::text as dropped`)
  await system.run(statement`delete from plinth.tenants where id = ${id}::uuid`)
  await auditedByPlatform(system, platform, { action: 'tenant.purged', target: id, detail: { slug } })
}
