import type { PgColumn } from 'drizzle-orm/pg-core'

/** What the ids of a table are in SQL. `uuid` unless the table has an `id` column of its own. */
export type KeyType = 'uuid' | 'text' | 'integer' | 'bigint'

const keyTypes: Readonly<Record<string, KeyType>> = {
  PgUUID: 'uuid',
  PgText: 'text',
  PgVarchar: 'text',
  PgInteger: 'integer',
  PgBigInt53: 'bigint',
  PgBigInt64: 'bigint',
}

/** Undefined for a column that cannot be a key. */
export function keyTypeOf(column: PgColumn): KeyType | undefined {
  return keyTypes[column.columnType]
}
