import type { StartupFault } from '@plinth/core'
import type { SecuredTable } from '../migrate/secure-table.ts'
import { tableInSql } from '../migrate/print-table.ts'
import type { RoleNames } from '../roles/role-names.ts'
import { identifier } from '../statements/quote.ts'
import type { CatalogPolicy, CatalogTable } from './catalog.ts'
import { MIGRATE, MIGRATE_AFTER_PUSH } from './fixes.ts'
import { expectedPolicies, samePolicy, type ExpectedPolicy } from './tenant-policies.ts'

export interface Runtime {
  readonly roles: RoleNames
  /** Whose grants and policies the runtime login has: itself, its groups, everybody (`public`). */
  readonly grantees: ReadonlySet<string>
}

/** What the runtime login must not have on any table that tenants share. */
const dangerous: Readonly<Record<string, string>> = {
  TRUNCATE: 'TRUNCATE ignores row-level security and empties the table for every tenant',
  TRIGGER: 'a trigger runs the login’s code as whoever writes next',
  REFERENCES: 'a foreign key tells which ids exist in other tenants',
}

/** Row-level security, policies and grants of one table that holds rows of tenants. */
export function checkTenantTable(table: SecuredTable, live: CatalogTable, runtime: Runtime): StartupFault[] {
  return [
    ...checkRowSecurity(live),
    ...expectedPolicies(table.tenantColumn, runtime.roles).flatMap((expected) => checkPolicy(live, expected)),
    ...checkOtherPolicies(live, runtime),
    ...checkDangerousGrants(live, runtime),
    ...(table.grants === 'rows' ? checkNeededGrants(live, runtime) : []),
  ]
}

export function pathOf(live: { readonly schema: string; readonly name: string }): string {
  return `table ${live.schema}.${live.name}`
}

export function checkRowSecurity(live: CatalogTable): StartupFault[] {
  const path = pathOf(live)
  if (!live.rowSecurity)
    return [
      { path, problem: 'row-level security is off: every tenant would see the rows of all', fix: MIGRATE_AFTER_PUSH },
    ]
  if (live.forced) return []
  return [
    {
      path,
      problem: 'row-level security is not forced: it does not bind the owner, nor what runs as the owner',
      fix: `alter table ${tableInSql(live)} force row level security;`,
    },
  ]
}

function checkPolicy(live: CatalogTable, expected: ExpectedPolicy): StartupFault[] {
  const found = live.policies.find((policy) => policy.name === expected.name)
  if (found && samePolicy(found, expected)) return []
  const path = `${pathOf(live)} policy ${expected.name}`
  if (!found) return [{ path, problem: 'is missing', fix: MIGRATE_AFTER_PUSH }]
  return [{ path, problem: `is ${describe(found)}; it must be ${describe(expected)}`, fix: MIGRATE }]
}

function describe(policy: CatalogPolicy): string {
  const check = policy.check === null || policy.check === policy.using ? '' : ` with check ${policy.check}`
  return `${policy.permissive ? 'permissive' : 'restrictive'} for ${policy.command} to ${policy.roles.join(', ')} using ${policy.using ?? 'nothing'}${check}`
}

/**
 * Permissive policies of somebody else that count for the runtime login. The restrictive one still keeps it to its tenant;
 * but nobody who reads the declaration knows of them, and TO PUBLIC they let in every role that has a grant.
 */
function checkOtherPolicies(live: CatalogTable, { roles, grantees }: Runtime): StartupFault[] {
  const own = new Set(expectedPolicies('tenant_id', roles).map((policy) => policy.name))
  return live.policies
    .filter((policy) => policy.permissive && !own.has(policy.name) && policy.roles.some((role) => grantees.has(role)))
    .map((policy) => ({
      path: `${pathOf(live)} policy ${policy.name}`,
      problem: `is a permissive policy (${describe(policy)}) that Plinth did not make`,
      fix: `drop policy ${identifier(policy.name)} on ${tableInSql(live)}; or make it restrictive, or name another role`,
    }))
}

export function checkDangerousGrants(live: CatalogTable, { grantees }: Runtime): StartupFault[] {
  return live.grants
    .filter((grant) => grantees.has(grant.grantee))
    .flatMap((grant) =>
      grant.privileges
        .filter((privilege) => privilege in dangerous)
        .map((privilege) => ({
          path: pathOf(live),
          problem: `${grant.grantee === 'public' ? 'everybody' : grant.grantee} has ${privilege}: ${dangerous[privilege]}`,
          fix: `revoke ${privilege.toLowerCase()} on ${tableInSql(live)} from ${grant.grantee === 'public' ? 'public' : identifier(grant.grantee)};`,
        })),
    )
}

function checkNeededGrants(live: CatalogTable, { roles, grantees }: Runtime): StartupFault[] {
  const missing = (has: (grantee: string) => boolean): string[] => {
    // An owner needs no grant; that it owns the table is another fault.
    if (has(live.owner)) return []
    const all = new Set(live.grants.filter((grant) => has(grant.grantee)).flatMap((grant) => grant.privileges))
    return ['SELECT', 'INSERT', 'UPDATE', 'DELETE'].filter((privilege) => !all.has(privilege))
  }
  const checks = [
    [roles.app, missing((grantee) => grantees.has(grantee))],
    [roles.system, missing((grantee) => grantee === roles.system || grantee === 'public')],
  ] as const
  return checks
    .filter(([, lacks]) => lacks.length > 0)
    .map(([role, lacks]) => ({
      path: pathOf(live),
      problem: `${role} may not ${lacks.join(', ').toLowerCase()}`,
      fix: MIGRATE,
    }))
}
