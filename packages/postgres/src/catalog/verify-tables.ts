import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core'
import type { Registry, ResourceInfo, StartupFault } from '@plinth/core'
import { declareTable, type DeclaredForeignKey, type DeclaredTable } from './declared-table.ts'
import { verifyIndexes } from './verify-indexes.ts'
import { verifyIdentifiers } from './verify-identifiers.ts'

/**
 * Faults of the declared tables that only somebody who knows SQL can see. Pure; called when the database is attached and again
 * before a migration.
 */
export function verifyTables(registry: Registry): readonly StartupFault[] {
  const faults: StartupFault[] = []
  const tenantTables = new Map<string, string>()
  for (const resource of registry.resources) tenantTables.set(nameOf(resource.drizzle), variableOf(resource.sqlName))
  for (const table of registry.features.flatMap((feature) => feature.tables ?? [])) tenantTables.set(nameOf(table), '')
  const declared = [
    ...registry.resources.map((resource) => ({
      table: verifyResource(resource, tenantTables, faults),
      path: `resource ${resource.name}`,
    })),
    ...registry.features.flatMap((feature) =>
      (feature.tables ?? []).map((table) => ({
        table: verifyFeatureTable(feature.name, table, faults),
        path: `feature ${feature.name}`,
      })),
    ),
  ]
  verifyIdentifiers(
    declared.flatMap((one) => (one.table ? [{ table: one.table, path: one.path }] : [])),
    faults,
  )
  for (const feature of registry.features) {
    if (feature.name !== 'platform') continue
    faults.push({
      path: 'feature platform',
      problem: 'has the name under which the platform keeps its own migrations',
      fix: 'name the feature otherwise',
    })
  }
  return faults
}

function verifyResource(
  resource: ResourceInfo,
  tenantTables: ReadonlyMap<string, string>,
  faults: StartupFault[],
): DeclaredTable | undefined {
  const path = `resource ${resource.name}`
  const table = declared(resource.drizzle, path, faults)
  if (!table) return undefined
  const config = getTableConfig(resource.drizzle)
  for (const column of config.columns) {
    const at = `${path}.fields.${keyOf(resource, column.name)}`
    if (column.isUnique) {
      faults.push({
        path: at,
        problem: '.unique() is unique over all tenants: a refused value tells that another tenant has it',
        fix: `resourceTable('${table.name}', { … }, (table) => [unique().on(table.tenantId, table.${keyOf(resource, column.name)})])`,
      })
    }
    if (column.primary) {
      faults.push({
        path: at,
        problem: '.primaryKey(): the key is (tenant_id, id), and resourceTable makes it',
        fix: 'drop .primaryKey()',
      })
    }
  }
  if (config.primaryKeys.length > 1) {
    faults.push({
      path,
      problem: 'has a second primary key: the key is (tenant_id, id), and resourceTable makes it',
      fix: 'drop primaryKey() from the third argument',
    })
  }
  verifyUniqueKeys(path, table, resource, faults)
  verifyIndexes(path, table, resource, (column) => keyOf(resource, column), faults)
  for (const key of table.foreignKeys) verifyForeignKey(path, resource, key, tenantTables, faults)
  verifyKinds(path, resource, table, faults)
  return table
}

function verifyUniqueKeys(path: string, table: DeclaredTable, resource: ResourceInfo, faults: StartupFault[]): void {
  const inline = new Set(
    getTableConfig(resource.drizzle)
      .columns.filter((column) => column.isUnique)
      .map((column) => column.uniqueName),
  )
  const keys = [
    ...table.uniques.filter((key) => !inline.has(key.name)),
    ...table.indexes.filter((index) => index.unique),
  ]
  for (const key of keys) {
    if (key.columns.includes('tenant_id')) continue
    const columns = key.columns.map((column) => (column === null ? 'sql`…`' : `table.${keyOf(resource, column)}`))
    faults.push({
      path: `${path} unique ${key.name}`,
      problem:
        'does not hold tenant_id, so it is unique over all tenants: a refused value tells that another tenant has it',
      fix: `.on(table.tenantId, ${columns.join(', ')})`,
    })
  }
}

function verifyForeignKey(
  path: string,
  resource: ResourceInfo,
  key: DeclaredForeignKey,
  tenantTables: ReadonlyMap<string, string>,
  faults: StartupFault[],
): void {
  const target = tenantTables.get(`${key.foreignSchema}.${key.foreignTable}`)
  const platform = key.foreignSchema === 'plinth' && key.foreignTable !== 'users' && key.foreignTable !== 'tenants'
  if (target === undefined && !platform) return
  const paired = key.columns.some((column, at) => column === 'tenant_id' && key.foreignColumns[at] === 'tenant_id')
  const own = key.columns.filter((column) => column !== 'tenant_id').map((column) => keyOf(resource, column))
  const line = target
    ? `${own[0] ?? 'otherId'}: belongsTo(() => ${target})`
    : `foreignKey({ columns: [table.tenantId, table.${own[0] ?? 'id'}], … })`
  const at = `${path}.fields.${own[0] ?? key.name}`
  if (!paired) {
    faults.push({
      path: at,
      problem: `.references() to ${key.foreignTable} reaches into every tenant, for foreign keys are not subject to row-level security`,
      fix: line,
    })
  } else if (key.onDelete === 'set null' || key.onDelete === 'set default') {
    faults.push({
      path: at,
      problem: `on delete ${key.onDelete} sets tenant_id too, and every delete of the parent fails (23502)`,
      fix: target
        ? `${own[0] ?? 'otherId'}: belongsTo(() => ${target}, { onDelete: 'cascade' })`
        : "onDelete('cascade')",
    })
  }
}

function verifyKinds(path: string, resource: ResourceInfo, table: DeclaredTable, faults: StartupFault[]): void {
  for (const column of getTableConfig(resource.drizzle).columns) {
    const at = `${path}.fields.${keyOf(resource, column.name)}`
    // What has no JSON form at all was reported by the core when it read the resource.
    if (column.getSQLType().endsWith('serial')) {
      faults.push({
        path: at,
        problem: 'serial counts over all tenants and needs a grant on its sequence',
        fix: 'integer().generatedAlwaysAsIdentity(), or the id that is there',
      })
    }
    if (column.generated && (column.generated as { readonly mode?: string }).mode === 'virtual') {
      faults.push({
        path: at,
        problem: 'virtual generated columns need PostgreSQL 18',
        fix: '.generatedAlwaysAs(…) (stored)',
      })
    }
  }
  for (const index of table.indexes) {
    if (!index.named)
      faults.push({
        path: `${path} index`,
        problem: 'an index over an expression needs a name',
        fix: `index('${table.name}_…_idx').on(…)`,
      })
  }
}

function verifyFeatureTable(feature: string, table: PgTable, faults: StartupFault[]): DeclaredTable | undefined {
  const path = `feature ${feature}`
  const found = declared(table, path, faults)
  if (!found) return undefined
  if (found.schema !== 'plinth') {
    faults.push({
      path: `${path}.tables ${found.name}`,
      problem: `lies in schema ${found.schema}`,
      fix: `pgSchema('plinth').table('${found.name}', …)`,
    })
  }
  const tenant = found.columns.find((column) => column.name === 'tenant_id')
  if (tenant?.type !== 'uuid' || !tenant.notNull) {
    faults.push({
      path: `${path}.tables ${found.name}`,
      problem: 'has no tenant column',
      fix: "tenantId: uuid('tenant_id').notNull()",
    })
  }
  return found
}

function declared(table: PgTable, path: string, faults: StartupFault[]): DeclaredTable | undefined {
  try {
    return declareTable(table)
  } catch (error) {
    faults.push({
      path,
      problem: `the table cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      fix: 'mend the column or key that it names',
    })
    return undefined
  }
}

function nameOf(table: PgTable): string {
  const { schema, name } = getTableConfig(table)
  return `${schema ?? 'public'}.${name}`
}

function keyOf(resource: ResourceInfo, sqlName: string): string {
  return resource.fields.find((field) => field.sqlName === sqlName)?.key ?? variableOf(sqlName)
}

/** `monitor_templates` → `monitorTemplates`: how the constant is probably called. */
function variableOf(sqlName: string): string {
  return sqlName.replaceAll(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
