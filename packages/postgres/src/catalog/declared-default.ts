import { is, SQL } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { literal } from '../statements/quote.ts'
import { typeInSql } from './column-type.ts'

/**
 * SQL text of a column's default. Values become literals; a `$defaultFn` is code and none of the database's business.
 * @throws where a value has no SQL form (NUL in a text, a function)
 */
export function declaredDefault(column: PgColumn, printSql: (expression: SQL) => string): string | undefined {
  const given: unknown = column.default
  if (given === undefined) return undefined
  if (is(given, SQL)) return printSql(given)
  if (given === null) return 'null'
  const value: unknown = column.mapToDriverValue(given as never)
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  // Bare, as PostgreSQL prints it: the next comparison then needs no second look.
  if (column.columnType === 'PgNumeric' && /^\d+(\.\d+)?$/.test(String(value))) return String(value)
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  if (typeof value === 'function' || typeof value === 'symbol' || text.includes('\0')) {
    throw new Error(`the default of ${column.name} has no SQL form`)
  }
  return `${literal(text)}::${typeInSql(column)}`
}
