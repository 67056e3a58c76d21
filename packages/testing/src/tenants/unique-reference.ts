import type { FieldInfo, ResourceInfo } from '@plinth/core'
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core'

/** Whether a row may be the only one of its parent (`one outage is one incident`): a unique key of nothing but the tenant and this reference. */
export function isUniqueReference(resource: ResourceInfo, field: FieldInfo): boolean {
  const { indexes, uniqueConstraints } = getTableConfig(resource.table as unknown as PgTable)
  const keys = [
    ...indexes
      .filter(({ config }) => config.unique)
      .map(({ config }) => config.columns.map((column) => ('name' in column ? column.name : undefined))),
    ...uniqueConstraints.map(({ columns }) => columns.map(({ name }) => name)),
  ]
  return keys.some((names) => names.filter((name) => name !== 'tenant_id').join() === field.sqlName)
}
