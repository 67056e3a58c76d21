import { getTableConfig } from 'drizzle-orm/pg-core'
import type { ResourceInfo } from '@plinth/core'
import { isPerTenant, tenantSchema, type Isolation } from '@plinth/postgres/driver'

/** Where the rows of a tenant lie, for SQL past the platform: `"public"."sites"`, or `"tenant_…"."sites"`. */
export function tableOf(resource: ResourceInfo, tenantId: string, isolation: Isolation): string {
  const declared = getTableConfig(resource.drizzle).schema ?? 'public'
  const schema = isolation === 'schema' && isPerTenant(resource) ? tenantSchema(tenantId) : declared
  return `"${schema}"."${resource.sqlName}"`
}
