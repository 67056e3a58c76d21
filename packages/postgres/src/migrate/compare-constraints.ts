import type { CatalogConstraint, CatalogIndex, CatalogTable } from '../catalog/catalog.ts'
import type { DeclaredForeignKey, DeclaredIndex, DeclaredTable } from '../catalog/declared-table.ts'
import { isForeignKey, sameList } from '../catalog/same-key.ts'
import { sameExpression } from '../catalog/same-expression.ts'
import type { Comparison } from './comparison.ts'
import { printCheck, printForeignKey, printIndex, printPrimaryKey, printUnique, tableInSql } from './print-table.ts'

/** @param empty columns that this migration adds and that hold NULL in every row that is there */
export function compareConstraints(
  table: DeclaredTable,
  live: CatalogTable,
  empty: ReadonlySet<string>,
  comparison: Comparison,
): void {
  comparePrimaryKey(table, live, comparison)
  for (const key of table.uniques) compareUnique(table, key, live, empty, comparison)
  for (const index of table.indexes) compareIndex(table, index, live, empty, comparison)
  for (const key of table.foreignKeys) compareForeignKey(table, key, live, empty, comparison)
  for (const check of table.checks) compareCheck(table, check, live, comparison)
}

function comparePrimaryKey(table: DeclaredTable, live: CatalogTable, { constraints, differences }: Comparison): void {
  const { primaryKey } = table
  if (!primaryKey) return
  const existing = live.constraints.find((one) => one.kind === 'primary')
  if (!existing) {
    const sql = `alter table ${tableInSql(table)} add ${printPrimaryKey(primaryKey)}`
    constraints.push({ sql, words: `added the primary key of ${table.name}`, guarded: live.written })
  } else if (!sameList(existing.columns, primaryKey.columns)) {
    differences.push({
      words: `${table.name} has the primary key (${existing.columns.join(', ')}), declared is (${primaryKey.columns.join(', ')})`,
      breaks: true,
    })
  }
}

function compareUnique(
  table: DeclaredTable,
  key: DeclaredTable['uniques'][number],
  live: CatalogTable,
  empty: ReadonlySet<string>,
  { constraints, differences }: Comparison,
): void {
  const same = (one: CatalogConstraint): boolean =>
    one.kind === 'unique' &&
    sameList(one.columns, key.columns) &&
    one.definition.includes('NULLS NOT DISTINCT') === key.nullsNotDistinct
  if (live.constraints.some(same)) return
  const named =
    live.constraints.find((one) => one.name === key.name) ?? live.indexes.find((one) => one.name === key.name)
  if (named) {
    differences.push({
      words: `${table.name} has ${named.definition} under the name ${key.name}, declared is unique (${key.columns.join(', ')})`,
      breaks: true,
    })
    return
  }
  const sql = `alter table ${tableInSql(table)} add ${printUnique(key)}`
  constraints.push({
    sql,
    words: `added unique key ${key.name} to ${table.name}`,
    guarded: mayBreak(live, empty, key.columns),
  })
}

function compareIndex(
  table: DeclaredTable,
  index: DeclaredIndex,
  live: CatalogTable,
  empty: ReadonlySet<string>,
  { indexes, constraints, differences, doubts }: Comparison,
): void {
  const words = `created index ${index.name} on ${table.name}`
  const existing = live.indexes.find((one) => one.name === index.name)
  if (!existing) {
    const sql = printIndex(tableInSql(table), index)
    if (index.unique) constraints.push({ sql, words, guarded: mayBreak(live, empty, index.columns) })
    else indexes.push({ sql, words })
    return
  }
  const difference = `index ${index.name} is ${existing.definition} in the database, declared is ${printIndex(table.name, index)}`
  if (!existing.valid) {
    const rest = `drop index ${tableInSql({ schema: table.schema, name: index.name })} and migrate again`
    differences.push({
      words: `index ${index.name} is invalid, the rest of a CREATE INDEX CONCURRENTLY that failed: ${rest}`,
      breaks: index.unique,
    })
    return
  }
  if (existing.unique !== index.unique) differences.push({ words: difference, breaks: true })
  else if (!sameIndex(existing, index))
    doubts.push({ table, kind: 'index', name: index.name, live: behindUsing(existing.definition), words: difference })
}

function sameIndex(live: CatalogIndex, declared: DeclaredIndex): boolean {
  const [, keys = '', options, where] =
    /^(.*?)(?: WITH \((.*?)\))?(?: WHERE (.*))?$/s.exec(behindUsing(live.definition)) ?? []
  return (
    sameExpression(keys, declared.keys) &&
    sameOptional(options, declared.options) &&
    sameOptional(where, declared.where)
  )
}

/** `CREATE INDEX name ON table USING btree (…) WHERE (…)` without what stands in front of `btree`. */
export function behindUsing(definition: string): string {
  return definition.slice(definition.indexOf(' USING ') + ' USING '.length)
}

function sameOptional(live: string | undefined, declared: string | undefined): boolean {
  return live === undefined || declared === undefined ? live === declared : sameExpression(live, declared)
}

function compareForeignKey(
  table: DeclaredTable,
  key: DeclaredForeignKey,
  live: CatalogTable,
  empty: ReadonlySet<string>,
  { foreignKeys, differences }: Comparison,
): void {
  const existing = live.constraints.find((one) => isForeignKey(one, key))
  if (!existing) {
    const sql = `alter table ${tableInSql(table)} add ${printForeignKey(key)}`
    foreignKeys.push({
      sql,
      words: `added foreign key ${key.name} to ${table.name}`,
      guarded: mayBreak(live, empty, key.columns),
    })
  } else if (existing.onDelete !== key.onDelete || existing.onUpdate !== key.onUpdate) {
    const declared = `on delete ${key.onDelete} on update ${key.onUpdate}`
    differences.push({
      words: `foreign key ${existing.name} of ${table.name} is on delete ${existing.onDelete} on update ${existing.onUpdate}, declared is ${declared}`,
      breaks: false,
    })
  }
}

function compareCheck(
  table: DeclaredTable,
  check: DeclaredTable['checks'][number],
  live: CatalogTable,
  { constraints, doubts }: Comparison,
): void {
  const existing = live.constraints.find((one) => one.kind === 'check' && one.name === check.name)
  if (!existing) {
    const sql = `alter table ${tableInSql(table)} add ${printCheck(check)}`
    constraints.push({ sql, words: `added check ${check.name} to ${table.name}`, guarded: live.written })
    return
  }
  const expression = existing.definition.replace(/^CHECK /, '').replace(/ NOT VALID$/, '')
  if (sameExpression(expression, check.expression)) return
  doubts.push({
    table,
    kind: 'check',
    name: check.name,
    live: expression,
    words: `check ${check.name} of ${table.name} is ${expression} in the database, declared is ${check.expression}`,
  })
}

/** Rows that are there may break a key, unless one of its columns is new and so NULL in all of them. */
function mayBreak(live: CatalogTable, empty: ReadonlySet<string>, columns: readonly (string | null)[]): boolean {
  return live.written && !columns.some((column) => column !== null && empty.has(column))
}
