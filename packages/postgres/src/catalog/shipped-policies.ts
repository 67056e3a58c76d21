import type { ShippedMigration } from '../migrate/shipped-migrations.ts'
import { splitStatements, withoutComments } from '../migrate/split-statements.ts'
import { fillRoleNames, type RoleNames } from '../roles/role-names.ts'
import type { CatalogPolicy } from './catalog.ts'

/** A policy that a migration of the platform or of a feature makes. */
export interface ShippedPolicy extends Pick<CatalogPolicy, 'name' | 'permissive' | 'command' | 'roles'> {
  readonly schema: string
  readonly table: string
  /** What stands behind USING and WITH CHECK, as it is written. */
  readonly rules: string
  readonly using: boolean
  readonly check: boolean
  /** The statement that makes it. */
  readonly sql: string
}

const created =
  /^create policy (?<name>\w+) on (?<schema>\w+)\.(?<table>\w+)(?: as (?<mode>permissive|restrictive))?(?: for (?<command>all|select|insert|update|delete))?(?: to (?<roles>.+?))?(?<rules> (?:using|with check) .+)?$/i
const dropped = /^drop policy (?:if exists )?(?<name>\w+) on (?<schema>\w+)\.(?<table>\w+)$/i

/**
 * Which policies are there when all migrations have run: read from the migrations themselves, so that there is one place that says so. A
 * test compares them with what a migrated database has, for all features that there are.
 */
export function shippedPolicies(migrations: readonly ShippedMigration[], roles: RoleNames): readonly ShippedPolicy[] {
  const policies = new Map<string, ShippedPolicy>()
  for (const statement of migrations.flatMap(({ sql }) => splitStatements(fillRoleNames(sql, roles)))) {
    const sql = withoutComments(statement).replaceAll(/\s+/g, ' ').trim()
    const gone = dropped.exec(sql)?.groups
    if (gone) policies.delete(policyKey(gone['schema']!, gone['table']!, gone['name']!))
    const made = created.exec(sql)?.groups
    if (!made) continue
    const { name = '', schema = '', table = '', rules = '' } = made
    policies.set(policyKey(schema, table, name), {
      name,
      schema,
      table,
      permissive: made['mode']?.toLowerCase() !== 'restrictive',
      command: (made['command']?.toLowerCase() ?? 'all') as CatalogPolicy['command'],
      roles: (made['roles'] ?? 'public')
        .split(',')
        .map((role) => role.trim().replaceAll('"', ''))
        .sort(),
      rules,
      using: /\busing \(/i.test(rules),
      check: /\bwith check \(/i.test(rules),
      sql: `${sql};`,
    })
  }
  return [...policies.values()]
}

/** Which one it is. */
export function policyKey(schema: string, table: string, name: string): string {
  return `${schema}.${table} ${name}`
}
