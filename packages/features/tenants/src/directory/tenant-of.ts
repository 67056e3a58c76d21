import type { RawRow, Tenant, TenantStatus } from '@plinth/core'

/** A row with id, slug, name, status and require_mfa. */
export function tenantOf(row: RawRow): Tenant {
  return {
    id: String(row['id']),
    slug: String(row['slug']),
    name: String(row['name']),
    status: row['status'] as TenantStatus,
    requireMfa: row['require_mfa'] === true,
  }
}
