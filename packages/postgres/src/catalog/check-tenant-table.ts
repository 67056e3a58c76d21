import type { Finding } from '@plinth/core'
import type { SecuredTable } from '../migrate/secure-table.ts'
import { tableInSql } from '../migrate/print-table.ts'
import type { RoleNames } from '../roles/role-names.ts'
import { identifier } from '../statements/quote.ts'
import type { CatalogPolicy, CatalogTable } from './catalog.ts'
import { fault, faultInSql } from './fault.ts'
import { MIGRATE, MIGRATE_AFTER_PUSH } from './fixes.ts'
import { policyKey } from './shipped-policies.ts'
import { expectedPolicies, samePolicy, type ExpectedPolicy } from './tenant-policies.ts'

export interface Runtime {
  readonly roles: RoleNames
  /** Whose grants and policies the runtime login has: itself, its groups, everybody (`public`). */
  readonly grantees: ReadonlySet<string>
  /** Policies that migrations make, as `policyKey` names them: another check compares these. */
  readonly shipped?: ReadonlySet<string>
}

/** What the runtime login must not have on any table that tenants share. */
const dangerous: Readonly<Record<string, string>> = {
  TRUNCATE: 'TRUNCATE ignores row-level security and empties the table for every tenant',
  TRIGGER: 'a trigger runs the login’s code as whoever writes next',
  REFERENCES: 'a foreign key tells which ids exist in other tenants',
}

/** Row-level security, policies and grants of one table that holds rows of tenants. */
export function checkTenantTable(table: SecuredTable, live: CatalogTable, runtime: Runtime): Finding[] {
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

export function checkRowSecurity(live: Pick<CatalogTable, 'schema' | 'name' | 'rowSecurity' | 'forced'>): Finding[] {
  const path = pathOf(live)
  if (!live.rowSecurity)
    return [
      fault(
        'row_security_off',
        path,
        'row-level security is off: every tenant would see the rows of all',
        MIGRATE_AFTER_PUSH,
      ),
    ]
  if (live.forced) return []
  return [
    faultInSql(
      'row_security_not_forced',
      path,
      'row-level security is not forced: it does not bind the owner, nor what runs as the owner',
      `alter table ${tableInSql(live)} force row level security;`,
    ),
  ]
}

function checkPolicy(live: CatalogTable, expected: ExpectedPolicy): Finding[] {
  const found = live.policies.find((policy) => policy.name === expected.name)
  if (found && samePolicy(found, expected)) return []
  const path = `${pathOf(live)} policy ${expected.name}`
  if (!found) return [fault('policy_missing', path, 'is missing', MIGRATE_AFTER_PUSH)]
  return [fault('policy_wrong', path, `is ${describe(found)}; it must be ${describe(expected)}`, MIGRATE)]
}

function describe(policy: CatalogPolicy): string {
  const check = policy.check === null || policy.check === policy.using ? '' : ` with check ${policy.check}`
  return `${policy.permissive ? 'permissive' : 'restrictive'} for ${policy.command} to ${policy.roles.join(', ')} using ${policy.using ?? 'nothing'}${check}`
}

/**
 * Permissive policies of somebody else that count for the runtime login. The restrictive one still keeps it to its tenant;
 * but nobody who reads the declaration knows of them, and TO PUBLIC they let in every role that has a grant.
 */
function checkOtherPolicies(live: CatalogTable, { roles, grantees, shipped }: Runtime): Finding[] {
  const own = new Set(expectedPolicies('tenant_id', roles).map((policy) => policy.name))
  return live.policies
    .filter(
      ({ name, permissive }) => permissive && !own.has(name) && !shipped?.has(policyKey(live.schema, live.name, name)),
    )
    .filter((policy) => policy.roles.some((role) => grantees.has(role)))
    .map((policy) => {
      const sql = `drop policy ${identifier(policy.name)} on ${tableInSql(live)};`
      return faultInSql(
        'policy_unknown',
        `${pathOf(live)} policy ${policy.name}`,
        `is a permissive policy (${describe(policy)}) that Plinth did not make`,
        sql,
        `${sql} or make it restrictive, or name another role`,
      )
    })
}

export function checkDangerousGrants(live: CatalogTable, { grantees }: Runtime): Finding[] {
  return live.grants
    .filter((grant) => grantees.has(grant.grantee))
    .flatMap((grant) =>
      grant.privileges
        .filter((privilege) => privilege in dangerous)
        .map((privilege) =>
          faultInSql(
            'grant_too_wide',
            pathOf(live),
            `${grant.grantee === 'public' ? 'everybody' : grant.grantee} has ${privilege}: ${dangerous[privilege]}`,
            `revoke ${privilege.toLowerCase()} on ${tableInSql(live)} from ${grant.grantee === 'public' ? 'public' : identifier(grant.grantee)};`,
          ),
        ),
    )
}

function checkNeededGrants(live: CatalogTable, { roles, grantees }: Runtime): Finding[] {
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
    .map(([role, lacks]) =>
      fault('grant_missing', pathOf(live), `${role} may not ${lacks.join(', ').toLowerCase()}`, MIGRATE),
    )
}
