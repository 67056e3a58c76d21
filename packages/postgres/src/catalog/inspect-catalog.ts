import type { Finding } from '@plinth/core'
import type { Driver } from '../drivers/driver.ts'
import { compareTables } from '../migrate/compare-tables.ts'
import type { Comparison } from '../migrate/comparison.ts'
import { sharedTables } from '../isolation/place-tables.ts'
import { TENANT_SCHEMAS } from '../isolation/tenant-schema.ts'
import { columnsInSql, tableInSql } from '../migrate/print-table.ts'
import { roleNames, type RoleNames } from '../roles/role-names.ts'
import { identifier } from '../statements/quote.ts'
import { findTable, type Catalog, type CatalogConstraint, type CatalogTable } from './catalog.ts'
import { checkCatalog, type CheckOptions } from './check-catalog.ts'
import { pathOf } from './check-tenant-table.ts'
import type { DeclaredTable } from './declared-table.ts'
import { warningInSql } from './fault.ts'
import { MIGRATE } from './fixes.ts'
import { readCatalog } from './read-catalog.ts'

/** What `checkCatalog` refuses service for, and what works and should be mended all the same. Reads only. */
export async function inspectCatalog(options: CheckOptions): Promise<readonly Finding[]> {
  const errors = await checkCatalog(options)
  if (errors.some((one) => one.code === 'database_not_migrated')) return errors
  const { registry, driver, isolation = 'shared' } = options
  const tables = sharedTables(registry, isolation)
  const catalog = await readCatalog(driver, tables.secured, isolation === 'schema' ? TENANT_SCHEMAS : undefined)
  return [...errors, ...inspectTables(catalog, tables.declared, driver), ...inspectRoles(catalog, options)]
}

function inspectTables(catalog: Catalog, declared: readonly DeclaredTable[], { kind }: Driver): Finding[] {
  return declared.flatMap((table) => {
    const live = findTable(catalog, table.schema, table.name)
    if (!live) return []
    const comparison = compareTables([table], catalog)
    return [
      ...comparison.indexes.map((step) =>
        warningInSql(
          'index_missing',
          pathOf(table),
          `lacks an index that is declared (${nameIn(step.sql)})`,
          `${concurrently(step.sql, kind, live)};`,
        ),
      ),
      ...missingConstraints(table, comparison),
      ...invalidIndexes(live, kind),
      ...slowReferences(live, kind, table),
    ]
  })
}

const nameIn = (sql: string): string => /index "((?:[^"]|"")*)"/.exec(sql)?.[1] ?? ''

/** Without stopping writes. Not on PGlite, which has one session, nor on a partitioned table, where PostgreSQL cannot. */
function concurrently(sql: string, kind: Driver['kind'], live: CatalogTable | undefined): string {
  if (kind === 'pglite' || live?.kind === 'partitioned') return sql
  return sql.replace(/^(create (?:unique )?index) /, '$1 concurrently ')
}

/** A key or rule that is declared and not there: the database keeps no promise of it. */
function missingConstraints(table: DeclaredTable, comparison: Comparison): Finding[] {
  return comparison.constraints.map((step) => ({
    code: 'constraint_missing',
    severity: 'warning',
    path: pathOf(table),
    problem: `lacks what is declared: ${step.words.replace(/^added /, '')}`,
    fix: MIGRATE,
  }))
}

/** What an interrupted CREATE INDEX CONCURRENTLY leaves: it costs every write and serves no read. */
function invalidIndexes(live: CatalogTable, kind: Driver['kind']): Finding[] {
  const how = kind === 'pglite' || live.kind === 'partitioned' ? 'index' : 'index concurrently'
  return live.indexes
    .filter((index) => !index.valid)
    .map((index) =>
      warningInSql(
        'index_invalid',
        `${pathOf(live)} index ${index.name}`,
        'is invalid: building it was interrupted, and no query uses it',
        `reindex ${how} ${tableInSql({ schema: live.schema, name: index.name })};`,
      ),
    )
}

/** Deleting a row that others point at reads the whole table of those others, under a lock. */
function slowReferences(live: CatalogTable, kind: Driver['kind'], table: DeclaredTable): Finding[] {
  // One that is declared is reported by its name.
  const indexes = [...live.indexes, ...table.indexes]
  return live.constraints
    .filter((key) => key.kind === 'foreign' && !indexes.some((index) => beginsWith(index.columns, key)))
    .map((key) => {
      const name = `${live.name}_${key.columns.join('_')}_index`.slice(0, 63)
      const sql = `create index ${identifier(name)} on ${tableInSql(live)} ${columnsInSql(key.columns)}`
      return warningInSql(
        'reference_without_index',
        `${pathOf(live)} foreign key ${key.name}`,
        `has no index on (${key.columns.join(', ')}): deleting in ${key.foreignTable} reads all of ${live.name}`,
        `${concurrently(sql, kind, live)};`,
      )
    })
}

function beginsWith(columns: readonly (string | null)[], key: CatalogConstraint): boolean {
  const first = columns.slice(0, key.columns.length)
  return key.columns.every((column) => first.includes(column))
}

/** Logins beside the runtime's that no policy binds. A superuser that an operator logs in as is none of ours; our own roles are. */
function inspectRoles(catalog: Catalog, { rolePrefix }: Pick<CheckOptions, 'rolePrefix'>): Finding[] {
  const roles: RoleNames = roleNames(rolePrefix)
  const own = new Set<string>([roles.owner, roles.lookup, roles.system])
  const checked = new Set<string>([roles.app, roles.backup, catalog.session.sessionUser])
  return catalog.roles
    .filter((role) => !checked.has(role.name))
    .flatMap((role) => {
      const name = identifier(role.name)
      const path = `role ${role.name}`
      if (role.superuser)
        return own.has(role.name)
          ? [
              warningInSql(
                'role_superuser',
                path,
                'is a superuser: row-level security does not exist for it',
                `alter role ${name} nosuperuser;`,
              ),
            ]
          : []
      if (!role.bypassRls || !(role.canLogin || own.has(role.name))) return []
      return [
        warningInSql(
          'role_bypassrls',
          path,
          'has BYPASSRLS: whoever logs in as it sees every tenant',
          `alter role ${name} nobypassrls;`,
        ),
      ]
    })
}
