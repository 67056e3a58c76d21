import { findTable, type Catalog, type CatalogTable } from '../catalog/catalog.ts'
import type { DeclaredTable } from '../catalog/declared-table.ts'
import { compareColumns } from './compare-columns.ts'
import { compareConstraints } from './compare-constraints.ts'
import type { Comparison } from './comparison.ts'
import { printEnum, printForeignKey, printIndex, printTable, tableInSql } from './print-table.ts'

/**
 * What the database lacks, and what differs in a way that adding cannot mend. Changes nothing.
 * @param declared the product's tables, in any order
 * @param typed tables whose enum types must be there too
 */
export function compareTables(
  declared: readonly DeclaredTable[],
  catalog: Catalog,
  typed: readonly DeclaredTable[] = [],
): Comparison {
  const comparison: Comparison = {
    enums: [],
    tables: [],
    columns: [],
    indexes: [],
    constraints: [],
    foreignKeys: [],
    differences: [],
    doubts: [],
  }
  compareEnums([...declared, ...typed], catalog, comparison)
  for (const table of declared) {
    const live = findTable(catalog, table.schema, table.name)
    if (live) compareTable(table, live, comparison)
    else addTable(table, comparison)
  }
  return comparison
}

function addTable(table: DeclaredTable, { tables, indexes, foreignKeys }: Comparison): void {
  const name = tableInSql(table)
  tables.push({ sql: printTable(table), words: `created table ${table.name}` })
  for (const index of table.indexes) {
    indexes.push({ sql: printIndex(name, index), words: `created index ${index.name} on ${table.name}` })
  }
  for (const key of table.foreignKeys) {
    foreignKeys.push({
      sql: `alter table ${name} add ${printForeignKey(key)}`,
      words: `added foreign key ${key.name} to ${table.name}`,
      guarded: false,
    })
  }
}

function compareTable(table: DeclaredTable, live: CatalogTable, comparison: Comparison): void {
  if (live.kind === 'foreign') {
    comparison.differences.push({
      words: `${table.name} is a foreign table: row-level security does not exist for those`,
      breaks: true,
    })
    return
  }
  const added = compareColumns(table, live, comparison)
  compareConstraints(table, live, added, comparison)
}

function compareEnums(declared: readonly DeclaredTable[], catalog: Catalog, { enums, differences }: Comparison): void {
  const seen = new Set<string>()
  for (const column of declared.flatMap((table) => table.columns)) {
    const wanted = column.enum
    if (!wanted || seen.has(tableInSql(wanted))) continue
    seen.add(tableInSql(wanted))
    const live = catalog.enums.find((one) => one.schema === wanted.schema && one.name === wanted.name)
    if (!live) enums.push({ sql: printEnum(wanted), words: `created type ${wanted.name}` })
    else if (live.values.join('\n') !== wanted.values.join('\n')) {
      differences.push({
        words: `type ${wanted.name} has the values ${list(live.values)}, declared are ${list(wanted.values)}`,
        breaks: true,
      })
    }
  }
}

function list(values: readonly string[]): string {
  return values.map((value) => `'${value}'`).join(', ')
}
