import type { ResourceInfo, StartupFault } from '@plinth/core'
import type { DeclaredIndex, DeclaredTable } from './declared-table.ts'

/**
 * Two rules about the indexes that a product declares. Every statement names one tenant: an index that does not begin with it
 * is read for all of them. And a row that was deleted softly must not keep its unique values from those that live.
 */
export function verifyIndexes(
  path: string,
  table: DeclaredTable,
  resource: ResourceInfo,
  keyOf: (column: string) => string,
  faults: StartupFault[],
): void {
  const listed = (columns: readonly (string | null)[]): string =>
    columns
      .filter((column) => column !== 'tenant_id')
      .map((column) => (column === null ? 'sql`…`' : `table.${keyOf(column)}`))
      .join(', ')
  for (const index of table.indexes) {
    // A unique one without the tenant has its own fault; GIN and its kin hold no uuid.
    if (!isOrdered(index) || (index.unique && !index.columns.includes('tenant_id'))) continue
    if (index.columns[0] === 'tenant_id') continue
    faults.push({
      path: `${path} index ${index.name}`,
      problem: 'does not begin with tenant_id, so it is read for all tenants and serves none',
      fix: `${index.unique ? 'uniqueIndex' : 'index'}('${index.name}').on(table.tenantId, ${listed(index.columns)})`,
    })
  }
  const deletedAt = resource.byKey.get('deletedAt')
  if (!deletedAt) return
  const live = new RegExp(`"?${deletedAt.sqlName}"? is null`, 'i')
  for (const key of [...table.uniques, ...table.indexes.filter((index) => index.unique)]) {
    if ('where' in key && key.where !== undefined && live.test(key.where)) continue
    faults.push({
      path: `${path} unique ${key.name}`,
      problem: 'counts deleted rows: a value stays taken by a row that nobody sees',
      fix: `uniqueIndex('${key.name}').on(table.tenantId, ${listed(key.columns)}).where(sql\`deleted_at is null\`)`,
    })
  }
}

export function isOrdered(index: DeclaredIndex): boolean {
  return index.keys.startsWith('btree ') || index.keys.startsWith('hash ')
}
