import { getTableConfig } from 'drizzle-orm/pg-core'
import type { Registry, ResourceInfo, StartupFault } from '@plinth/core'
import { declareTable, type DeclaredTable } from '../catalog/declared-table.ts'
import type { SecuredTable } from '../migrate/secure-table.ts'
import { productTables, secured, securedTables } from '../migrate/tables-of.ts'
import { isPerTenant, type Isolation } from './tenant-schema.ts'

/** The tables of one place: those that all share, or those of one tenant's schema. */
export interface PlacedTables {
  /** What `migrate()` makes there. */
  readonly declared: readonly DeclaredTable[]
  /** What is kept by policies there. */
  readonly secured: readonly SecuredTable[]
}

export function tenantResources(registry: Registry, isolation: Isolation): readonly ResourceInfo[] {
  return isolation === 'schema' ? registry.resources.filter(isPerTenant) : []
}

/** The tables that lie where their declarations say. */
export function sharedTables(registry: Registry, isolation: Isolation): PlacedTables {
  const own = tenantResources(registry, isolation)
  const names = new Set(own.map((resource) => `public.${resource.sqlName}`))
  return {
    declared: productTables(registry)
      .map(declareTable)
      .filter((table) => !names.has(`${table.schema}.${table.name}`)),
    secured: securedTables(registry).filter((table) => !names.has(`${table.schema}.${table.name}`)),
  }
}

/** The tables that each tenant has, in a schema of this name; references among them stay inside of it. */
export function tenantTables(registry: Registry, schema: string): PlacedTables {
  const own = tenantResources(registry, 'schema')
  const names = new Set(own.map((resource) => resource.sqlName))
  const declared = own.map((resource): DeclaredTable => {
    const table = declareTable(resource.drizzle)
    const foreignKeys = table.foreignKeys.map((key) =>
      key.foreignSchema === 'public' && names.has(key.foreignTable) ? { ...key, foreignSchema: schema } : key,
    )
    return { ...table, schema, foreignKeys }
  })
  return { declared, secured: own.map((resource) => ({ ...secured(resource.drizzle, 'rows'), schema })) }
}

/** What is shared cannot point at what each tenant has: there is no one table to point at. */
export function verifyPlaces(registry: Registry, isolation: Isolation): readonly StartupFault[] {
  const own = new Set<unknown>(tenantResources(registry, isolation).map((resource) => resource.drizzle))
  return registry.resources
    .filter((resource) => !own.has(resource.drizzle))
    .flatMap((resource) =>
      getTableConfig(resource.drizzle)
        .foreignKeys.map((key) => key.reference().foreignTable)
        .filter((table) => own.has(table))
        .map((table) => ({
          path: `resource ${resource.name}`,
          problem: `is shared by all tenants and refers to ${getTableConfig(table).name}, of which each tenant has one of his own (isolation: 'schema')`,
          fix: "turn the reference around, or use isolation: 'shared'",
        })),
    )
}
