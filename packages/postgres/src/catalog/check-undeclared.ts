import type { Finding } from '@plinth/core'
import { tableInSql } from '../migrate/print-table.ts'
import type { SecuredTable } from '../migrate/secure-table.ts'
import { identifier } from '../statements/quote.ts'
import type { Catalog, CatalogTable } from './catalog.ts'
import { faultInSql } from './fault.ts'
import { checkDangerousGrants, checkRowSecurity, checkTenantTable, pathOf, type Runtime } from './check-tenant-table.ts'

/** Tables of the schema `plinth` without a tenant column, and what the runtime login may do with them. */
const withoutTenant: Readonly<Record<string, readonly string[]>> = { migrations: ['SELECT'] }

/**
 * Tables that no resource and no feature declares: the platform's own, and those that were made beside (join tables,
 * partitions, copies). Each needs a tenant and a policy, or must be out of the runtime login's reach.
 */
export function checkUndeclared(catalog: Catalog, declared: readonly SecuredTable[], runtime: Runtime): Finding[] {
  const known = new Set(declared.map((table) => `${table.schema}.${table.name}`))
  return catalog.tables
    .filter((live) => !known.has(`${live.schema}.${live.name}`))
    .flatMap((live) => (live.schema === 'plinth' ? checkPlatformTable(live, runtime) : checkOtherTable(live, runtime)))
}

function checkPlatformTable(live: CatalogTable, runtime: Runtime): Finding[] {
  const tenantColumn = live.columns.some((column) => column.name === 'tenant_id')
    ? 'tenant_id'
    : live.name === 'tenants'
      ? 'id'
      : undefined
  if (tenantColumn)
    return checkTenantTable({ schema: live.schema, name: live.name, tenantColumn, grants: 'own' }, live, runtime)
  const allowed = withoutTenant[live.name] ?? []
  const excess = granted(live, runtime).filter((privilege) => !allowed.includes(privilege))
  return [
    ...checkRowSecurity(live),
    ...checkDangerousGrants(live, runtime),
    ...(excess.length === 0
      ? []
      : [
          faultInSql(
            'grant_too_wide',
            pathOf(live),
            `has no tenant column, and the runtime login may ${excess.join(', ').toLowerCase()}`,
            `revoke all on ${tableInSql(live)} from ${identifier(runtime.roles.app)}, public;`,
          ),
        ]),
  ]
}

/**
 * Outside of `plinth` only what {app} itself, or everybody, has a right on: the tables of a host product are none of ours,
 * even where it shares its login with us.
 */
function checkOtherTable(live: CatalogTable, runtime: Runtime): Finding[] {
  if (!live.columns.some((column) => column.name === 'tenant_id')) return []
  const reach: Runtime = { roles: runtime.roles, grantees: new Set([runtime.roles.app, 'public']) }
  if (granted(live, reach).length === 0) return []
  const found = checkTenantTable(
    { schema: live.schema, name: live.name, tenantColumn: 'tenant_id', grants: 'own' },
    live,
    reach,
  )
  const sql = `revoke all on ${tableInSql(live)} from ${identifier(runtime.roles.app)}, public;`
  return found.map((fault) => ({
    ...fault,
    problem: `${fault.problem} (no resource declares this table)`,
    fix: `declare it with resourceTable, or: ${sql}`,
    sql,
  }))
}

function granted(live: CatalogTable, { grantees }: Runtime): string[] {
  const whole = live.grants.filter((grant) => grantees.has(grant.grantee)).flatMap((grant) => grant.privileges)
  const columns = live.columnGrants.filter((grant) => grantees.has(grant.grantee)).map((grant) => grant.privilege)
  return [...new Set([...whole, ...columns])].sort()
}
