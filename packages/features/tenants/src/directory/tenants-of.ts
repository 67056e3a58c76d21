import { statement, type OwnTenant, type Platform, type RawRow } from '@plinth/core'
import { tenantOf } from './tenant-of.ts'

/** The tenants of a user, the first that he joined before the others. By a function of `plinth_lookup`: no tenant is known yet. */
export async function tenantsOf(platform: Platform, userId: string): Promise<readonly OwnTenant[]> {
  const rows = await platform.database.lookup(statement`
    select id, slug, name, status, require_mfa, standing, roles from plinth.tenants_of(${userId}::uuid)`)
  return rows.map(ownTenantOf)
}

function ownTenantOf(row: RawRow): OwnTenant {
  return {
    ...tenantOf(row),
    standing: row['standing'] === 'active' ? 'active' : 'suspended',
    roles: row['roles'] as readonly string[],
  }
}
