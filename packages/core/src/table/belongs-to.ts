import { bigint, integer, text, uuid, type PgUUIDBuilderInitial } from 'drizzle-orm/pg-core'
import type { KeyType } from './key-type.ts'
import type { AnyResourceTable } from './types.ts'

export interface Reference {
  /** The table that the column points at; a function, so that two tables may point at each other. */
  readonly to: () => AnyResourceTable
  /**
   * What the database does when the parent goes. `set null` is missing on purpose: the key is (tenant_id, id), and
   * PostgreSQL would null the tenant as well (23502).
   */
  readonly onDelete: 'restrict' | 'cascade'
  /** What the ids of that table are; compared with it at start. */
  readonly key: KeyType
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
 * Where the other table has an `id` column of its own, `key` says what it is (the table itself cannot be asked: two may point
 * at each other, and neither is finished then). In code the value is a string all the same, as ids are.
 *
 * @example siteId: belongsTo(() => sites, { onDelete: 'cascade' }).notNull()
 * @example planId: belongsTo(() => plans, { key: 'text' })
 */
export function belongsTo(
  to: () => AnyResourceTable,
  options: { onDelete?: Reference['onDelete']; inverse?: string; key?: KeyType } = {},
): PgUUIDBuilderInitial<''> {
  const { key = 'uuid', onDelete = 'restrict', inverse } = options
  const column = columnOf[key]() as PgUUIDBuilderInitial<''>
  references.set(column, { to, onDelete, inverse, key })
  return column
}

// The type says uuid of all: a column whose data is a string.
const columnOf: Readonly<Record<KeyType, () => unknown>> = {
  uuid: () => uuid(),
  text: () => text(),
  integer: () => integer(),
  bigint: () => bigint({ mode: 'bigint' }),
}

export function referenceOf(builder: object): Reference | undefined {
  return references.get(builder)
}
