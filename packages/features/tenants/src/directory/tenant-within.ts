import { problem, statement, type StatementRunner, type Tenant, type TenantStatus } from '@plinth/core'

/** @throws not_found */
export async function tenantWithin(system: StatementRunner, tenantId: string): Promise<Tenant> {
  const [row] = await system.run(statement`
    select id, slug, name, status, require_mfa from plinth.tenants where id = ${tenantId}::uuid`)
  if (!row) throw problem('not_found')
  return {
    id: String(row['id']),
    slug: String(row['slug']),
    name: String(row['name']),
    status: row['status'] as TenantStatus,
    requireMfa: row['require_mfa'] === true,
  }
}
