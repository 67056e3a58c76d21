import { getTableConfig } from 'drizzle-orm/pg-core'
import { fieldOf, type Registry, type ResourceInfo } from '@plinth/core'
import { isPerTenant, tenantSchema, type Driver, type Isolation } from '@plinth/postgres/driver'
import type { TestTenant } from '../platform/actors.ts'

/** Where the rows of a tenant lie, for SQL past the platform: `"public"."sites"`, or `"tenant_…"."sites"`. */
export function tableOf(resource: ResourceInfo, tenantId: string, isolation: Isolation): string {
  const declared = getTableConfig(resource.drizzle).schema ?? 'public'
  const schema = isolation === 'schema' && isPerTenant(resource) ? tenantSchema(tenantId) : declared
  return `"${schema}"."${resource.sqlName}"`
}

/** Lets the ids that the database makes go on from a number, in the tables where the rows of this tenant lie. */
export async function setCounters(
  superuser: Driver,
  registry: Registry,
  tenant: TestTenant,
  from: number,
  isolation: Isolation,
): Promise<void> {
  for (const resource of registry.resources) {
    const id = fieldOf(resource, 'id')
    if (!['integerKey', 'bigintKey'].includes(id.kind.name)) continue
    const place = tableOf(resource, tenant.id, isolation)
    await superuser.query(`alter table ${place} alter column "${id.sqlName}" restart with ${from}`)
  }
}
