import type { CatalogPolicy, CatalogTable } from '../catalog/catalog.ts'
import { expectedPolicies, samePolicy, type ExpectedPolicy, type TenantTable } from '../catalog/tenant-policies.ts'
import type { RoleNames } from '../roles/role-names.ts'
import { identifier } from '../statements/quote.ts'
import { tableInSql } from './print-table.ts'
import type { Step } from './run-step.ts'

export interface SecuredTable extends TenantTable {
  /**
   * `rows`: the roles get select, insert, update and delete. `own`: the same unless the feature's SQL granted the role
   * something itself (an audit log that takes inserts only).
   */
  readonly grants: 'rows' | 'own'
}

const rowPrivileges = ['DELETE', 'INSERT', 'SELECT', 'UPDATE']

/**
 * What is missing on a table until tenants are kept apart on it: forced row-level security, the policies, the grants. Empty
 * where nothing is. Runs as the owner, in the transaction that makes the table: it never exists without.
 *
 * FORCE binds the owner too: an UPDATE as owner then touches 0 rows and reports no error. A backfill opens the table for its
 * own transaction (`alter table … no force row level security`, the UPDATE, `… force row level security`); until it commits
 * nobody else gets at the table.
 */
export function securingSteps(table: SecuredTable, live: CatalogTable, roles: RoleNames): Step[] {
  return [...rowSecuritySteps(table, live), ...policySteps(table, live, roles), ...grantSteps(table, live, roles)]
}

function rowSecuritySteps(table: SecuredTable, live: CatalogTable): Step[] {
  if (live.rowSecurity && live.forced) return []
  const sql = `alter table ${tableInSql(table)} enable row level security, force row level security`
  return [{ sql, words: `forced row-level security on ${table.name}` }]
}

function policySteps(table: SecuredTable, live: CatalogTable, roles: RoleNames): Step[] {
  return expectedPolicies(table.tenantColumn, roles).flatMap((expected) => {
    const existing = live.policies.find((policy) => policy.name === expected.name)
    return existing ? mendPolicy(table, existing, expected) : [makePolicy(table, expected)]
  })
}

function makePolicy(table: SecuredTable, expected: ExpectedPolicy): Step {
  const sql = `create policy ${identifier(expected.name)} on ${tableInSql(table)} ${expected.create}`
  return { sql, words: `made policy ${expected.name} on ${table.name}` }
}

function mendPolicy(table: SecuredTable, live: CatalogPolicy, expected: ExpectedPolicy): Step[] {
  if (samePolicy(live, expected)) return []
  const on = `policy ${identifier(expected.name)} on ${tableInSql(table)}`
  // ALTER changes roles and expressions only, and cannot take a WITH CHECK away.
  const alterable =
    live.permissive === expected.permissive &&
    live.command === expected.command &&
    (live.check === null || expected.check !== null)
  if (alterable)
    return [{ sql: `alter ${on} ${expected.alter}`, words: `mended policy ${expected.name} on ${table.name}` }]
  return [
    { sql: `drop ${on}`, words: `dropped the wrong policy ${expected.name} on ${table.name}` },
    makePolicy(table, expected),
  ]
}

function grantSteps(table: SecuredTable, live: CatalogTable, roles: RoleNames): Step[] {
  const steps: Step[] = []
  const name = tableInSql(table)
  // Some hosts grant everything on every new table of a schema (ALTER DEFAULT PRIVILEGES), TRUNCATE included.
  if (live.grants.some((grant) => grant.grantee === 'public')) {
    steps.push({ sql: `revoke all on ${name} from public`, words: `took the rights of everybody on ${table.name}` })
  }
  for (const role of [roles.app, roles.system]) {
    const has = live.grants.find((grant) => grant.grantee === role)?.privileges ?? []
    // TRUNCATE ignores row-level security; TRIGGER runs the grantee's code as whoever writes next; REFERENCES tells which
    // keys exist.
    const excess = has.filter((privilege) => !rowPrivileges.includes(privilege))
    if (excess.length > 0) {
      steps.push({
        sql: `revoke ${excess.join(', ')} on ${name} from ${identifier(role)}`,
        words: `took ${excess.join(', ')} on ${table.name} from ${role}`,
      })
    }
    // Rights on single columns are rights that the feature's SQL chose, too: more would open the columns that it left out.
    const chosen = has.length > 0 || live.columnGrants.some((grant) => grant.grantee === role)
    const missing =
      table.grants === 'own' && chosen ? [] : rowPrivileges.filter((privilege) => !has.includes(privilege))
    if (missing.length > 0) {
      steps.push({
        sql: `grant ${missing.join(', ')} on ${name} to ${identifier(role)}`,
        words: `granted ${missing.join(', ').toLowerCase()} on ${table.name} to ${role}`,
      })
    }
  }
  return steps
}
