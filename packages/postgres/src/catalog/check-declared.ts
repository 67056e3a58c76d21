import type { Finding, Registry } from '@plinth/core'
import { getTableConfig } from 'drizzle-orm/pg-core'
import { tenantResources } from '../isolation/place-tables.ts'
import type { Isolation } from '../isolation/tenant-schema.ts'
import { tableInSql } from '../migrate/print-table.ts'
import { featureTables } from '../migrate/tables-of.ts'
import { identifier } from '../statements/quote.ts'
import { findTable, type Catalog, type CatalogTable } from './catalog.ts'
import { pathOf, type Runtime } from './check-tenant-table.ts'
import { sameType } from './column-type.ts'
import { declareTable, type DeclaredTable } from './declared-table.ts'
import { fault, faultInSql } from './fault.ts'
import { MIGRATE } from './fixes.ts'
import { isForeignKey, sameList } from './same-key.ts'

/** Whether the tables of resources and features are there, with what statements and isolation rest on. */
export function checkDeclared(catalog: Catalog, registry: Registry, isolation: Isolation, runtime: Runtime): Finding[] {
  const elsewhere = new Set(tenantResources(registry, isolation))
  const resources = registry.resources
    .filter((resource) => !elsewhere.has(resource))
    .flatMap((resource) => checkDeclaredTables(catalog, declareTable(resource.drizzle), resource.name, runtime))
  const features = featureTables(registry).flatMap((table) => {
    const { schema = 'public', name } = getTableConfig(table)
    if (findTable(catalog, schema, name)) return []
    return [
      fault(
        'table_missing',
        `table ${schema}.${name}`,
        'is missing',
        `${MIGRATE}; if that changes nothing, no migration of the feature makes it`,
      ),
    ]
  })
  return [...resources, ...features]
}

/** One table of a resource. @param name of the resource, for messages */
export function checkDeclaredTables(
  catalog: Catalog,
  table: DeclaredTable,
  name: string,
  runtime?: Runtime,
): Finding[] {
  const live = findTable(catalog, table.schema, table.name)
  if (!live) return [fault('table_missing', pathOf(table), `the table of ${name} is missing`, MIGRATE)]
  // What the runtime login only reads refuses no value of its: the keys of sessions may be those of the whole platform.
  if (runtime && table.schema === 'plinth' && !writes(live, runtime)) return checkColumns(table, live)
  return [...checkColumns(table, live), ...checkKeys(catalog, table, live)]
}

function writes(live: CatalogTable, { grantees }: Runtime): boolean {
  const may = [
    ...live.grants.filter(({ grantee }) => grantees.has(grantee)).flatMap(({ privileges }) => privileges),
    ...live.columnGrants.filter(({ grantee }) => grantees.has(grantee)).map(({ privilege }) => privilege),
  ]
  return may.includes('INSERT') || may.includes('UPDATE')
}

function checkColumns(table: DeclaredTable, live: CatalogTable): Finding[] {
  return table.columns.flatMap((column) => {
    const found = live.columns.find((one) => one.name === column.name)
    const path = `${pathOf(table)}.${column.name}`
    if (!found) return [fault('column_missing', path, 'the column is missing', MIGRATE)]
    if (sameType(found.type, column.type)) return []
    return [
      fault(
        'column_type',
        path,
        `is ${found.type} and declared ${column.type}`,
        'npx drizzle-kit generate, then plinth.migrate({ folder })',
      ),
    ]
  })
}

/** The keys that isolation rests on: foreign-key and unique checks ignore row-level security. */
function checkKeys(catalog: Catalog, table: DeclaredTable, live: CatalogTable): Finding[] {
  const faults: Finding[] = []
  const path = pathOf(table)
  const primary = live.constraints.find((one) => one.kind === 'primary')
  if (table.primaryKey && !sameList(primary?.columns ?? [], table.primaryKey.columns)) {
    faults.push(
      fault(
        'primary_key',
        path,
        `has the primary key (${primary?.columns.join(', ') ?? ''}), declared is (${table.primaryKey.columns.join(', ')})`,
        MIGRATE,
      ),
    )
  }
  for (const key of table.foreignKeys) {
    if (live.constraints.some((one) => isForeignKey(one, key))) continue
    faults.push(
      fault(
        'foreign_key_missing',
        path,
        `has no foreign key (${key.columns.join(', ')}): a row could point into another tenant`,
        MIGRATE,
      ),
    )
  }
  for (const key of live.constraints.filter((one) => one.kind === 'foreign')) {
    const target = findTable(catalog, key.foreignSchema ?? '', key.foreignTable ?? '')
    const paired = key.columns.some((column, at) => column === 'tenant_id' && key.foreignColumns[at] === 'tenant_id')
    if (paired || !target?.columns.some((column) => column.name === 'tenant_id')) continue
    faults.push(
      faultInSql(
        'foreign_key_crosses_tenants',
        `${path} foreign key ${key.name}`,
        `reaches into every tenant of ${target.name}: foreign-key checks ignore row-level security`,
        `alter table ${tableInSql(table)} drop constraint ${identifier(key.name)};`,
      ),
    )
  }
  for (const index of live.indexes.filter((one) => one.unique && !one.columns.includes('tenant_id'))) {
    const constraint = live.constraints.some((one) => one.name === index.name && one.kind !== 'foreign')
    faults.push(
      faultInSql(
        'unique_crosses_tenants',
        `${path} unique ${index.name}`,
        'is unique over all tenants: a refused value tells that another tenant has it',
        constraint
          ? `alter table ${tableInSql(table)} drop constraint ${identifier(index.name)};`
          : `drop index ${tableInSql({ schema: table.schema, name: index.name })};`,
      ),
    )
  }
  return faults
}
