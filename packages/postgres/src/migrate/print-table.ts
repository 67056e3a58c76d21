import type {
  DeclaredColumn,
  DeclaredForeignKey,
  DeclaredIndex,
  DeclaredKey,
  DeclaredTable,
} from '../catalog/declared-table.ts'
import { identifier, literal } from '../statements/quote.ts'
import type { DeclaredEnum } from '../catalog/column-type.ts'

/** Always with the schema: the search_path of whoever migrates is not ours. */
export function tableInSql(table: { readonly schema: string; readonly name: string }): string {
  return `${identifier(table.schema)}.${identifier(table.name)}`
}

export function columnsInSql(columns: readonly string[]): string {
  return `(${columns.map(identifier).join(', ')})`
}

export function printColumn(column: DeclaredColumn): string {
  const parts = [identifier(column.name), column.sqlType]
  if (column.generated !== undefined) parts.push(`generated always as (${column.generated}) stored`)
  if (column.identity !== '')
    parts.push(`generated ${column.identity === 'a' ? 'always' : 'by default'} as identity${column.identityOptions}`)
  if (column.default !== undefined) parts.push(`default ${column.default}`)
  if (column.notNull) parts.push('not null')
  return parts.join(' ')
}

export function printUnique(key: DeclaredTable['uniques'][number]): string {
  return `constraint ${identifier(key.name)} unique${key.nullsNotDistinct ? ' nulls not distinct' : ''} ${columnsInSql(key.columns)}`
}

export function printPrimaryKey(key: DeclaredKey): string {
  return `constraint ${identifier(key.name)} primary key ${columnsInSql(key.columns)}`
}

export function printCheck(check: DeclaredTable['checks'][number]): string {
  return `constraint ${identifier(check.name)} check (${check.expression})`
}

export function printForeignKey(key: DeclaredForeignKey): string {
  const target = tableInSql({ schema: key.foreignSchema, name: key.foreignTable })
  return `constraint ${identifier(key.name)} foreign key ${columnsInSql(key.columns)} references ${target} ${columnsInSql(key.foreignColumns)} on delete ${key.onDelete} on update ${key.onUpdate}`
}

/** Foreign keys are not part of it: they are added when all tables are there, so that two tables may point at each other. */
export function printTable(table: DeclaredTable): string {
  const parts = [
    ...table.columns.map(printColumn),
    ...(table.primaryKey ? [printPrimaryKey(table.primaryKey)] : []),
    ...table.uniques.map(printUnique),
    ...table.checks.map(printCheck),
  ]
  return `create table ${tableInSql(table)} (\n  ${parts.join(',\n  ')}\n)`
}

export function printIndex(target: string, index: DeclaredIndex): string {
  const options = index.options === undefined ? '' : ` with (${index.options})`
  const where = index.where === undefined ? '' : ` where ${index.where}`
  return `create ${index.unique ? 'unique ' : ''}index ${identifier(index.name)} on ${target} using ${index.keys}${options}${where}`
}

export function printEnum(declared: DeclaredEnum): string {
  return `create type ${tableInSql(declared)} as enum (${declared.values.map(literal).join(', ')})`
}
