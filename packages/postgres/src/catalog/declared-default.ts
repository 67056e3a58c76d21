import { is, SQL } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { literal } from '../statements/quote.ts'
import { typeInSql } from './column-type.ts'

/**
 * SQL text of a column's default. Values become literals; a `$defaultFn` is code and none of the database's business.
 * @throws where a value has no SQL form (NUL in a text)
 */
export function declaredDefault(column: PgColumn, printSql: (expression: SQL) => string): string | undefined {
  const given: unknown = column.default
  if (given === undefined) return undefined
  if (is(given, SQL)) return printSql(given)
  if (given === null) return 'null'
  // Drizzle types a driver's value as unknown; of the columns that have a default it is one of these.
  const value = column.mapToDriverValue(given as never) as string | number | bigint | boolean | object
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  // Bare, as PostgreSQL prints it: the next comparison then needs no second look.
  if (column.columnType === 'PgNumeric' && typeof value === 'string' && /^\d+(\.\d+)?$/.test(value)) return value
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  if (text.includes('\0')) {
    throw new Error(`the default of ${column.name} has no SQL form`)
  }
  return `${literal(text)}::${typeInSql(column)}`
}
