import { uuid, type PgUUIDBuilderInitial } from 'drizzle-orm/pg-core'
import type { AnyResourceTable } from './types.ts'

export interface Reference {
  /** The table that the column points at; a function, so that two tables may point at each other. */
  readonly to: () => AnyResourceTable
  /**
   * What the database does when the parent goes. `set null` is missing on purpose: the key is (tenant_id, id), and
   * PostgreSQL would null the tenant as well (23502).
   */
  readonly onDelete: 'restrict' | 'cascade'
  /** What the rows of this table are called when the other one includes them; undefined: as the table. */
  readonly inverse: string | undefined
}

// Builders are mutable and `.notNull()` returns the same object, so the builder itself is a safe key.
const references = new WeakMap<object, Reference>()

/**
 * A column that points at a row of another resource of the same tenant. `resourceTable` makes of it the column, the
 * composite foreign key (tenant_id, column) → (tenant_id, id) and its index, so that the database itself refuses a
 * reference into another tenant (foreign-key checks are not subject to row-level security).
 *
 * It is what `include` follows: `include=site` on a row of this table, `include=monitors` (the table's name, or `inverse`) on
 * the other.
 *
 * @example siteId: belongsTo(() => sites, { onDelete: 'cascade' }).notNull()
 */
export function belongsTo(
  to: () => AnyResourceTable,
  options: { onDelete?: Reference['onDelete']; inverse?: string } = {},
): PgUUIDBuilderInitial<''> {
  const column = uuid()
  references.set(column, { to, onDelete: options.onDelete ?? 'restrict', inverse: options.inverse })
  return column
}

export function referenceOf(builder: object): Reference | undefined {
  return references.get(builder)
}
