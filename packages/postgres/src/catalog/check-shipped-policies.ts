import { TENANT_POLICY, type Finding } from '@plinth/core'
import { tableInSql } from '../migrate/print-table.ts'
import { identifier } from '../statements/quote.ts'
import { findTable, type Catalog, type CatalogPolicy, type CatalogTable } from './catalog.ts'
import { pathOf } from './check-tenant-table.ts'
import { faultInSql } from './fault.ts'
import type { ShippedPolicy } from './shipped-policies.ts'

/** What every table of tenants has is compared there, letter by letter. */
const ofEveryTable = new Set([TENANT_POLICY, 'plinth_app', 'plinth_system'])

/**
 * The policies that the platform and features have beside those of every table: in whose name the log is written, who may ask for a job,
 * what may be looked up before a tenant is known. A migration that has run is not run again, so each is mended by its own statement.
 */
export function checkShippedPolicies(catalog: Catalog, shipped: readonly ShippedPolicy[]): Finding[] {
  return shipped.flatMap((policy) => {
    const live = findTable(catalog, policy.schema, policy.table)
    if (!live || (ofEveryTable.has(policy.name) && holdsTenants(live))) return []
    const found = live.policies.find(({ name }) => name === policy.name)
    const path = `${pathOf(live)} policy ${policy.name}`
    if (!found) return [faultInSql('policy_missing', path, 'is missing', policy.sql)]
    const wrong = differenceOf(live, found, policy)
    return wrong === undefined ? [] : [mended(found, policy, path, wrong)]
  })
}

/** Whom it binds and its rules can be changed; what kind it is, only by another one in its place. */
function mended(found: CatalogPolicy, policy: ShippedPolicy, path: string, wrong: string): Finding {
  const on = `policy ${identifier(policy.name)} on ${tableInSql({ schema: policy.schema, name: policy.table })}`
  const sameKind = found.permissive === policy.permissive && found.command === policy.command
  const more = (found.using !== null && !policy.using) || (found.check !== null && !policy.check)
  if (!sameKind || more) return faultInSql('policy_wrong', path, wrong, `drop ${on}; ${policy.sql}`)
  return faultInSql(
    'policy_wrong',
    path,
    wrong,
    `alter ${on} to ${policy.roles.map(identifier).join(', ')}${policy.rules};`,
  )
}

function holdsTenants({ name, columns }: CatalogTable): boolean {
  return name === 'tenants' || columns.some((column) => column.name === 'tenant_id')
}

/**
 * PostgreSQL prints a rule in other words than it was written in, and each of its versions may: so that no start is refused for that,
 * rules are compared by the columns that they speak of.
 */
function differenceOf(live: CatalogTable, found: CatalogPolicy, policy: ShippedPolicy): string | undefined {
  const words = ({ permissive, command, roles }: Pick<CatalogPolicy, 'permissive' | 'command' | 'roles'>): string =>
    `${permissive ? 'permissive' : 'restrictive'} for ${command} to ${roles.join(', ')}`
  if (words(found) !== words(policy)) return `is ${words(found)}; it must be ${words(policy)}`
  if ((found.using !== null) !== policy.using || (found.check !== null) !== policy.check)
    return `has ${found.using === null ? 'no' : 'a'} rule for rows that are there and ${found.check === null ? 'none' : 'one'} for rows that are written`
  const rules = `${found.using ?? ''} ${found.check ?? ''}`
  const spokenOf = live.columns.map(({ name }) => name).filter((name) => mentions(policy.rules, name))
  const silent = spokenOf.filter((name) => !mentions(rules, name))
  if (silent.length > 0) return `says nothing of ${silent.join(', ')} any more (${rules.trim()})`
  // What lets everything through must be meant to.
  if (spokenOf.length === 0 && !/\(true\)/i.test(policy.rules) && /^(true| )*$/.test(rules))
    return 'lets everything through'
  return undefined
}

function mentions(rule: string, column: string): boolean {
  return new RegExp(String.raw`\b${column}\b`).test(rule)
}
