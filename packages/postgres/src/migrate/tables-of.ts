import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core'
import { drizzleTable, type Registry } from '@plinth/core'
import type { SecuredTable } from './secure-table.ts'

/**
 * Tables that this migration makes: those of resources. What lies in the schema `plinth` is made by the SQL of the platform
 * and of its features.
 */
export function productTables(registry: Registry): readonly PgTable[] {
  return registry.resources
    .map((resource) => resource.drizzle)
    .filter((table) => getTableConfig(table).schema !== 'plinth')
}

/** Tables of a feature, or of all. */
export function featureTables(registry: Registry, feature?: string): readonly PgTable[] {
  return registry.features
    .filter((one) => feature === undefined || one.name === feature)
    .flatMap((one) => one.tables ?? [])
}

/** All that the SQL of a feature makes: its tables, and those of its resources. */
export function tablesMadeBy(registry: Registry, feature: string): readonly PgTable[] {
  const resources = registry.features
    .filter((one) => one.name === feature)
    .flatMap((one) => one.resources ?? [])
    .map((resource) => drizzleTable(resource.table) as PgTable)
    .filter((table) => getTableConfig(table).schema === 'plinth')
  return [...featureTables(registry, feature), ...resources]
}

export function securedTables(registry: Registry): readonly SecuredTable[] {
  return [
    ...productTables(registry).map((table) => secured(table, 'rows')),
    ...featureTables(registry).map((table) => secured(table, 'own')),
    ...registry.resources
      .map((resource) => resource.drizzle)
      .filter((table) => getTableConfig(table).schema === 'plinth' && !featureTables(registry).includes(table))
      .map((table) => secured(table, 'own')),
  ]
}

export function secured(table: PgTable, grants: SecuredTable['grants']): SecuredTable {
  const { schema, name } = getTableConfig(table)
  return { schema: schema ?? 'public', name, tenantColumn: 'tenant_id', grants }
}
