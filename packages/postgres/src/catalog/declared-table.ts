import { is, SQL } from 'drizzle-orm'
import {
  getTableConfig,
  PgDialect,
  type ForeignKey,
  type Index,
  type IndexedColumn,
  type PgColumn,
  type PgSequenceOptions,
  type PgTable,
} from 'drizzle-orm/pg-core'
import { identifier } from '../statements/quote.ts'
import { enumOf, printedType, typeInSql, type DeclaredEnum } from './column-type.ts'
import { declaredDefault } from './declared-default.ts'

/** A Drizzle table in the terms of PostgreSQL, with the names that drizzle-kit would give. */
export interface DeclaredTable {
  readonly schema: string
  readonly name: string
  readonly columns: readonly DeclaredColumn[]
  readonly primaryKey: DeclaredKey | undefined
  readonly uniques: readonly (DeclaredKey & { readonly nullsNotDistinct: boolean })[]
  readonly indexes: readonly DeclaredIndex[]
  readonly foreignKeys: readonly DeclaredForeignKey[]
  readonly checks: readonly { readonly name: string; readonly expression: string }[]
}

export interface DeclaredColumn {
  readonly name: string
  /** As the catalog prints it. */
  readonly type: string
  /** As DDL takes it. */
  readonly sqlType: string
  readonly notNull: boolean
  /** SQL text; undefined without a default in the database (`$defaultFn` is a default of the code). */
  readonly default: string | undefined
  readonly generated: string | undefined
  readonly identity: '' | 'a' | 'd'
  /** ` (start with 1000)`, or nothing. */
  readonly identityOptions: string
  readonly enum: DeclaredEnum | undefined
}

export interface DeclaredKey {
  readonly name: string
  readonly columns: readonly string[]
}

export interface DeclaredIndex {
  readonly name: string
  /** False where the name had to be made up and the index has an expression: drizzle-kit refuses such an index. */
  readonly named: boolean
  readonly unique: boolean
  /** Key columns in order; null stands for an expression. */
  readonly columns: readonly (string | null)[]
  /** What stands behind USING, up to WITH and WHERE: `btree ("tenant_id", "created_at" desc)`. */
  readonly keys: string
  readonly options: string | undefined
  readonly where: string | undefined
}

export interface DeclaredForeignKey extends DeclaredKey {
  readonly foreignSchema: string
  readonly foreignTable: string
  readonly foreignColumns: readonly string[]
  readonly onDelete: string
  readonly onUpdate: string
}

const dialect = new PgDialect()

/** SQL text of an expression: parameters as literals, columns without their table. */
function printSql(expression: SQL): string {
  return dialect.sqlToQuery(expression.inlineParams(), 'indexes').sql
}

export function declareTable(table: PgTable): DeclaredTable {
  const config = getTableConfig(table)
  const named = (columns: readonly { readonly name: string }[]): string[] => columns.map((column) => column.name)
  const inlineKey = config.columns.filter((column) => column.primary)
  const [key] = config.primaryKeys
  return {
    schema: config.schema ?? 'public',
    name: config.name,
    columns: config.columns.map(declareColumn),
    primaryKey: key
      ? { name: key.getName(), columns: named(key.columns) }
      : inlineKey.length > 0
        ? { name: `${config.name}_pkey`, columns: named(inlineKey) }
        : undefined,
    uniques: [
      ...config.columns
        .filter((column) => column.isUnique)
        .map((column) => ({
          name: column.uniqueName ?? `${config.name}_${column.name}_unique`,
          columns: [column.name],
          nullsNotDistinct: column.uniqueType === 'not distinct',
        })),
      ...config.uniqueConstraints.map((unique) => ({
        name: unique.getName() ?? `${config.name}_${named(unique.columns).join('_')}_unique`,
        columns: named(unique.columns),
        nullsNotDistinct: unique.nullsNotDistinct,
      })),
    ],
    indexes: config.indexes.map((index) => declareIndex(config.name, index)),
    foreignKeys: config.foreignKeys.map(declareForeignKey),
    checks: config.checks.map((check) => ({ name: check.name, expression: printSql(check.value) })),
  }
}

function declareColumn(column: PgColumn): DeclaredColumn {
  const { generated, generatedIdentity } = column
  const as = (typeof generated?.as === 'function' ? (generated.as as () => unknown)() : generated?.as) as
    | SQL
    | string
    | undefined
  return {
    name: column.name,
    type: printedType(column),
    sqlType: typeInSql(column),
    notNull: column.notNull || column.primary,
    default: declaredDefault(column, printSql),
    generated: as === undefined ? undefined : is(as, SQL) ? printSql(as) : as,
    identityOptions: printSequence(generatedIdentity?.sequenceOptions),
    identity: generatedIdentity ? (generatedIdentity.type === 'always' ? 'a' : 'd') : '',
    enum: enumOf(column),
  }
}

function printSequence(options: PgSequenceOptions | undefined): string {
  if (!options) return ''
  // `BigInt` throws at what is no whole number, and the table is a fault.
  const given = (words: string, value: number | string | undefined): string[] =>
    value === undefined ? [] : [`${words} ${BigInt(value)}`]
  const parts = [
    ...given('start with', options.startWith),
    ...given('increment by', options.increment),
    ...given('minvalue', options.minValue),
    ...given('maxvalue', options.maxValue),
    ...given('cache', options.cache),
    ...(options.cycle === true ? ['cycle'] : []),
  ]
  return parts.length === 0 ? '' : ` (${parts.join(' ')})`
}

function declareIndex(table: string, index: Index): DeclaredIndex {
  const { config } = index
  const keys = config.columns.map((column) =>
    is(column, SQL) ? printSql(column) : printIndexed(column as IndexedColumn),
  )
  const columns = config.columns.map((column, at) =>
    is(column, SQL) ? plainColumn(keys[at]!) : ((column as IndexedColumn).name ?? null),
  )
  const options = Object.entries(config.with ?? {}).map(([name, value]) => `${name}=${String(value)}`)
  return {
    // drizzle-kit names an unnamed index like this.
    name: config.name ?? `${table}_${columns.join('_')}_index`,
    named: config.name !== undefined || !columns.includes(null),
    unique: config.unique,
    columns,
    keys: `${config.method ?? 'btree'} (${keys.join(', ')})`,
    options: options.length > 0 ? options.join(', ') : undefined,
    where: config.where ? printSql(config.where) : undefined,
  }
}

function printIndexed(column: IndexedColumn): string {
  const { order, nulls, opClass } = column.indexConfig
  const operators = opClass ? ` ${opClass}` : ''
  // Only what is not PostgreSQL's default, which is how it prints an index too.
  if (order === 'desc') return `${identifier(column.name!)}${operators} desc${nulls === 'last' ? ' nulls last' : ''}`
  return `${identifier(column.name!)}${operators}${nulls === 'first' ? ' nulls first' : ''}`
}

/** `desc(table.createdAt)` is an expression for Drizzle and a plain column for PostgreSQL. */
function plainColumn(printed: string): string | null {
  return /^"([^"]+)"(?: (?:asc|desc))?(?: nulls (?:first|last))?$/i.exec(printed)?.[1] ?? null
}

function declareForeignKey(key: ForeignKey): DeclaredForeignKey {
  const { columns, foreignTable, foreignColumns } = key.reference()
  const target = getTableConfig(foreignTable)
  return {
    name: key.getName(),
    columns: columns.map((column) => column.name),
    foreignSchema: target.schema ?? 'public',
    foreignTable: target.name,
    foreignColumns: foreignColumns.map((column) => column.name),
    onDelete: key.onDelete ?? 'no action',
    onUpdate: key.onUpdate ?? 'no action',
  }
}
