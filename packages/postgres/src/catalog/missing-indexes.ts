import { visibleFields, type FieldInfo, type Registry, type ResourceInfo } from '@plinth/core'
import { isOrdered } from './verify-indexes.ts'
import { declareTable, type DeclaredTable } from './declared-table.ts'

/** A field that a list may be asked by and that no index serves. */
export interface MissingIndex {
  readonly resource: string
  /** SQL name of the table. */
  readonly table: string
  readonly field: string
  readonly uses: readonly ('filter' | 'sort')[]
  /** What to put into the array that the third argument of `resourceTable` returns. */
  readonly line: string
}

/**
 * What resourceTable serves by itself, and `updatedAt` and the owners: an index on them would cost every write one more, for what few
 * products ask. Who gives permissions of the scope `own` or `group` declares the index himself.
 */
const settled = new Set(['id', 'createdAt', 'updatedAt', 'ownerUserId', 'ownerGroupId'])

/**
 * The declared filters and sorts that read a whole tenant, each with the line that mends it. A finding, not a fault: a table of
 * a hundred rows needs no index, and what is written all the time may rather do without one. `search` is not looked at: it
 * reads the whole tenant unless there is a trigram index (`using('gin', …)` with pg_trgm).
 */
export function missingIndexes(registry: Registry): readonly MissingIndex[] {
  return registry.resources
    .filter((resource) => resource.operations.list)
    .flatMap((resource) => {
      const table = declareTable(resource.drizzle)
      return visibleFields(resource).flatMap((field) => {
        const uses = (['filter', 'sort'] as const).filter((use) => field[use])
        if (uses.length === 0 || settled.has(field.key) || serves(table, resource, field)) return []
        return [
          {
            resource: resource.name,
            table: table.name,
            field: field.key,
            uses,
            line: lineFor(table, field, field.sort),
          },
        ]
      })
    })
}

function serves(table: DeclaredTable, resource: ResourceInfo, field: FieldInfo): boolean {
  const leads = (columns: readonly (string | null)[]): boolean =>
    columns[0] === 'tenant_id' && columns[1] === field.sqlName
  const deletedAt = resource.byKey.get('deletedAt')
  return (
    (table.primaryKey !== undefined && leads(table.primaryKey.columns)) ||
    table.uniques.some((key) => leads(key.columns)) ||
    table.indexes.some(
      (index) =>
        isOrdered(index) &&
        leads(index.columns) &&
        // A partial index serves lists only where all that lists show is in it.
        (index.where === undefined ||
          (deletedAt !== undefined && new RegExp(`^\\(?"?${deletedAt.sqlName}"? is null\\)?$`, 'i').test(index.where))),
    )
  )
}

/** Sorted lists end with the id, so that their order is total; with it in the index nothing is left to sort. */
function lineFor(table: DeclaredTable, field: FieldInfo, sorted: boolean): string {
  const name = `${table.name}_${field.sqlName}_idx`.slice(0, 63)
  return `index('${name}').on(table.tenantId, table.${field.key}${sorted ? ', table.id' : ''})`
}
