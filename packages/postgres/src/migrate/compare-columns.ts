import type { CatalogColumn, CatalogTable } from '../catalog/catalog.ts'
import { sameType } from '../catalog/column-type.ts'
import type { DeclaredColumn, DeclaredTable } from '../catalog/declared-table.ts'
import { sameExpression } from '../catalog/same-expression.ts'
import type { Comparison } from './comparison.ts'
import { printColumn, tableInSql } from './print-table.ts'

/** @returns the columns that will be added and hold NULL in every row that is there */
export function compareColumns(table: DeclaredTable, live: CatalogTable, comparison: Comparison): ReadonlySet<string> {
  const empty = new Set<string>()
  for (const column of table.columns) {
    const existing = live.columns.find((one) => one.name === column.name)
    if (existing) compareColumn(table, column, existing, comparison)
    else if (addColumn(table, column, comparison) && column.default === undefined && column.generated === undefined)
      empty.add(column.name)
  }
  for (const extra of live.columns) {
    const known = table.columns.some((column) => column.name === extra.name)
    if (known || !extra.notNull || extra.default !== null || extra.identity !== '') continue
    comparison.differences.push({
      words: `${table.name}.${extra.name} is NOT NULL without default in the database and not declared: every insert would fail`,
      breaks: true,
    })
  }
  return empty
}

function addColumn(table: DeclaredTable, column: DeclaredColumn, { columns, differences }: Comparison): boolean {
  const filled = column.default !== undefined || column.generated !== undefined || column.identity !== ''
  if (column.notNull && !filled) {
    differences.push({
      words: `${table.name}.${column.name} is missing, and declared NOT NULL without a default: rows that are there would have no value`,
      breaks: true,
    })
    return false
  }
  columns.push({
    sql: `alter table ${tableInSql(table)} add column ${printColumn(column)}`,
    words: `added column ${table.name}.${column.name}`,
  })
  return true
}

function compareColumn(
  table: DeclaredTable,
  column: DeclaredColumn,
  live: CatalogColumn,
  { differences, doubts }: Comparison,
): void {
  const name = `${table.name}.${column.name}`
  const differs = (words: string, breaks: boolean): void => void differences.push({ words: `${name} ${words}`, breaks })
  if (!sameType(live.type, column.type))
    return differs(`is ${live.type} in the database and declared ${column.type}`, true)
  if (live.notNull !== column.notNull) {
    differs(
      column.notNull
        ? 'allows NULL in the database and is declared NOT NULL'
        : 'is NOT NULL in the database and declared to allow NULL',
      true,
    )
  }
  if (live.identity !== column.identity || (live.generated !== '') !== (column.generated !== undefined)) {
    return differs('is generated in one of database and declaration and not in the other', true)
  }
  const declared = column.generated ?? column.default
  if ((live.default === null) !== (declared === undefined)) {
    // A default that only the database has does no harm to anybody who does not know of it.
    if (declared !== undefined) differs(`has no default in the database, declared is ${declared}`, column.notNull)
  } else if (live.default !== null && declared !== undefined && !sameExpression(live.default, declared)) {
    doubts.push({
      table,
      kind: column.generated === undefined ? 'default' : 'generated',
      name: column.name,
      live: live.default,
      words: `${name} has the default ${live.default} in the database, declared is ${declared}`,
    })
  }
}
