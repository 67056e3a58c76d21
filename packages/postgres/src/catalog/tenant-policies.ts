import { TENANT_POLICY } from '@plinth/core'
import type { RoleNames } from '../roles/role-names.ts'
import { identifier } from '../statements/quote.ts'
import type { CatalogPolicy } from './catalog.ts'

/** A table whose rows belong to tenants: by a column, or (plinth.tenants) because they are the tenants. */
export interface TenantTable {
  readonly schema: string
  readonly name: string
  readonly tenantColumn: 'tenant_id' | 'id'
}

export interface ExpectedPolicy extends CatalogPolicy {
  /** Behind `create policy name on table`. */
  readonly create: string
  /** Behind `alter policy name on table`. */
  readonly alter: string
}

/**
 * The tenant rule as PostgreSQL prints it. Compared letter by letter: what means the same and is written otherwise is made
 * anew by the next migrate, what means something else is found.
 */
export function tenantRule(column: TenantTable['tenantColumn']): string {
  return `(${column} = (NULLIF(current_setting('plinth.tenant'::text, true), ''::text))::uuid)`
}

/**
 * What every tenant table has. The restrictive policy binds the runtime login whatever permissive policy somebody adds; it
 * names {app} alone, for TO PUBLIC it would bind {system} too (which is how drizzle-kit writes it). RESTRICTIVE grants
 * nothing by itself, hence the permissive ones beside it.
 */
export function expectedPolicies(
  tenantColumn: TenantTable['tenantColumn'],
  roles: RoleNames,
): readonly ExpectedPolicy[] {
  const rule = tenantRule(tenantColumn)
  return [
    {
      name: TENANT_POLICY,
      permissive: false,
      command: 'all',
      roles: [roles.app],
      using: rule,
      check: null,
      create: `as restrictive for all to ${identifier(roles.app)} using ${rule}`,
      alter: `to ${identifier(roles.app)} using ${rule}`,
    },
    allRows('plinth_app', roles.app),
    allRows('plinth_system', roles.system),
  ]
}

function allRows(name: string, role: string): ExpectedPolicy {
  const rule = `to ${identifier(role)} using (true) with check (true)`
  return {
    name,
    permissive: true,
    command: 'all',
    roles: [role],
    using: 'true',
    check: 'true',
    create: `as permissive for all ${rule}`,
    alter: rule,
  }
}

/** Whether a policy does exactly what is expected. WITH CHECK left out is the same as USING. */
export function samePolicy(live: CatalogPolicy, expected: ExpectedPolicy): boolean {
  return (
    live.permissive === expected.permissive &&
    live.command === expected.command &&
    live.using === expected.using &&
    (live.check ?? live.using) === (expected.check ?? expected.using) &&
    live.roles.length === expected.roles.length &&
    live.roles.every((role, at) => role === expected.roles[at])
  )
}
