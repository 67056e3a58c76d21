import type { PgColumn } from 'drizzle-orm/pg-core'
import { identifier } from '../statements/quote.ts'

export interface DeclaredEnum {
  readonly schema: string
  readonly name: string
  readonly values: readonly string[]
}

/** What `format_type` calls the types that Drizzle, or a custom type, may call otherwise. */
const fullNames: Readonly<Record<string, string>> = {
  varchar: 'character varying',
  char: 'character',
  bpchar: 'character',
  int: 'integer',
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  bool: 'boolean',
  float4: 'real',
  float8: 'double precision',
  decimal: 'numeric',
  timestamp: 'timestamp',
  timestamptz: 'timestamp',
  time: 'time',
  timetz: 'time',
}

/** The type as the catalog prints it: `varchar(80)` → `character varying(80)`, `timestamp (3)` → `timestamp(3) without time zone`. */
export function printedType(column: PgColumn): string {
  const declared = enumOf(column)
  return declared ? `${declared.schema}.${declared.name}` : printedName(column.getSQLType())
}

export function printedName(sqlType: string): string {
  const parts = /^([a-z_][a-z0-9_ ]*?)\s*(?:\(([^)]*)\))?(\s+with(?:out)? time zone)?((?:\[\d*\])*)$/.exec(
    sqlType.trim().toLowerCase(),
  )
  if (!parts) return sqlType
  const [, word = '', given = '', zone = '', array = ''] = parts
  const name = fullNames[word] ?? word
  let length = given.replaceAll(' ', '')
  // PostgreSQL's own defaults, which it writes out.
  if (name === 'character' && length === '') length = '1'
  if (name === 'numeric' && /^\d+$/.test(length)) length += ',0'
  const zoned =
    name === 'timestamp' || name === 'time'
      ? zone || (word.endsWith('tz') ? ' with time zone' : ' without time zone')
      : zone
  return `${name}${length && `(${length})`}${zoned}${array.replaceAll(/\d/g, '')}`
}

/** Whether two printed types are the same; quotes stand around some names of enums only. */
export function sameType(left: string, right: string): boolean {
  return left.replaceAll('"', '') === right.replaceAll('"', '')
}

/** The type as DDL takes it. Enum types by their full name, whatever the search_path is. */
export function typeInSql(column: PgColumn): string {
  const declared = enumOf(column)
  return declared ? `${identifier(declared.schema)}.${identifier(declared.name)}` : column.getSQLType()
}

export function enumOf(column: PgColumn): DeclaredEnum | undefined {
  if (column.columnType !== 'PgEnumColumn' && column.columnType !== 'PgEnumObjectColumn') return undefined
  const { enum: made } = column as unknown as {
    readonly enum: { readonly enumName: string; readonly schema?: string; readonly enumValues: readonly string[] }
  }
  return { schema: made.schema ?? 'public', name: made.enumName, values: made.enumValues }
}
