import { getTableConfig } from 'drizzle-orm/pg-core'
import type { FieldInfo, Registry, ResourceInfo } from '@plinth/core'
import { isTenantSchema } from '../isolation/tenant-schema.ts'

/** Which fields of which resource an error of PostgreSQL is about, by the names of table, constraint and column in it. */
export class TableFields {
  readonly #resources: ReadonlyMap<string, ResourceInfo>
  readonly #constraints = new WeakMap<ResourceInfo, ReadonlyMap<string, readonly string[]>>()

  constructor(registry: Registry) {
    this.#resources = new Map(registry.resources.map((resource) => [qualifiedName(resource), resource]))
  }

  resource(schema: string | undefined, table: string | undefined): ResourceInfo | undefined {
    if (table === undefined) return undefined
    // The schema of a tenant holds what is declared without one.
    const declared = schema === undefined || isTenantSchema(schema) ? 'public' : schema
    return this.#resources.get(`${declared}.${table}`)
  }

  /** The fields of a unique key or foreign key, without the tenant, which is part of every key. */
  ofConstraint(resource: ResourceInfo, constraint: string | undefined): readonly FieldInfo[] {
    if (constraint === undefined) return []
    const known = this.#constraints.get(resource) ?? constraintColumns(resource)
    this.#constraints.set(resource, known)
    const columns = known.get(constraint) ?? []
    return resource.fields.filter(
      (field) => columns.includes(field.sqlName) && field.key !== 'tenantId' && !field.hidden,
    )
  }

  ofColumn(resource: ResourceInfo, column: string | undefined): readonly FieldInfo[] {
    return resource.fields.filter((field) => field.sqlName === column)
  }
}

export function qualifiedName(resource: ResourceInfo): string {
  return `${getTableConfig(resource.drizzle).schema ?? 'public'}.${resource.sqlName}`
}

/** PostgreSQL cuts names at 63 bytes; ours are ASCII. */
const cut = (name: string): string => name.slice(0, 63)

function constraintColumns(resource: ResourceInfo): ReadonlyMap<string, readonly string[]> {
  const config = getTableConfig(resource.drizzle)
  const found = new Map<string, readonly string[]>()
  const add = (name: string | undefined, columns: readonly object[]): void => {
    if (name !== undefined)
      found.set(
        cut(name),
        columns.flatMap((column) => ('name' in column && typeof column.name === 'string' ? [column.name] : [])),
      )
  }
  for (const key of config.primaryKeys) add(key.getName(), key.columns)
  for (const unique of config.uniqueConstraints) add(unique.getName(), unique.columns)
  for (const { config: index } of config.indexes) if (index.unique) add(index.name, index.columns)
  for (const column of config.columns) if (column.isUnique) add(column.uniqueName, [column])
  for (const key of config.foreignKeys) add(key.getName(), key.reference().columns)
  return found
}
