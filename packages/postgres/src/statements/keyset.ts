import type { SortKey, Stored } from '@plinth/core'
import { columnType } from './column-types.ts'
import { identifier } from './quote.ts'
import type { Statement } from './statement.ts'

/**
 * NULLs last in both directions. A column that is NOT NULL says nothing about them: `desc nulls last` would not match the
 * index (…, created_at desc), whose order is `nulls first` by default.
 */
export function printOrder(sort: readonly SortKey[]): string {
  return sort.map((key) => `${columnOf(key)}${key.descending ? ' desc' : ''}${nullsLast(key)}`).join(', ')
}

function nullsLast(key: SortKey): string {
  return key.field.notNull ? '' : key.descending ? ' nulls last' : ''
}

function columnOf(key: SortKey): string {
  return `p.${identifier(key.field.sqlName)}`
}

/** Compares as the column sorts: an enum in its own order, text in its collation. */
function valueOf(key: SortKey, value: Stored, statement: Statement): string {
  const type = columnType(key.field.column)
  // char(n) sorts without its padding; as bpchar the value does too.
  return type.padded ? `${statement.add(value)}::text::bpchar` : type.compare(statement.add(value))
}

/**
 * The rows after the one whose sort values are given, in the order of `printOrder`. Where no key can be NULL and all run the
 * same way it is one row comparison, which reads the index from that place on; else the expansion
 * `a after x or (a = x and b after y) …`, in which NULL is the last value of its column.
 */
export function printAfter(sort: readonly SortKey[], after: readonly Stored[], statement: Statement): string {
  if (sort.length !== after.length)
    throw new Error(`the cursor has ${after.length} values for ${sort.length} sort keys`)
  const [first] = sort
  if (!first) throw new Error('a page after a row needs a sort')
  if (sort.every((key, at) => key.field.notNull && key.descending === first.descending && after[at] !== null)) {
    const values = sort.map((key, at) => valueOf(key, after[at] ?? null, statement))
    if (sort.length === 1) return `${columnOf(first)} ${first.descending ? '<' : '>'} ${values[0]}`
    return `(${sort.map(columnOf).join(', ')}) ${first.descending ? '<' : '>'} (${values.join(', ')})`
  }
  return printExpanded(sort, after, statement)
}

function printExpanded(sort: readonly SortKey[], after: readonly Stored[], statement: Statement): string {
  const cases: string[] = []
  const equal: string[] = []
  let bound = ''
  for (const [at, key] of sort.entries()) {
    const column = columnOf(key)
    const given = after[at] ?? null
    const value = given === null ? null : valueOf(key, given, statement)
    if (at === 0) bound = leadingBound(key, column, value)
    // After a NULL comes nothing: it is the last.
    if (value !== null) cases.push([...equal, strictlyAfter(key, column, value)].join(' and '))
    equal.push(value === null ? `${column} is null` : `${column} = ${value}`)
  }
  return `${bound}(${cases.map((one) => `(${one})`).join(' or ') || 'false'})`
}

function strictlyAfter(key: SortKey, column: string, value: string): string {
  const beyond = `${column} ${key.descending ? '<' : '>'} ${value}`
  return key.field.notNull ? beyond : `(${beyond} or ${column} is null)`
}

/** The disjunction says this too, but the planner does not see it there, and an index on the first key needs it. */
function leadingBound(key: SortKey, column: string, value: string | null): string {
  if (value === null) return `${column} is null and `
  return key.field.notNull ? `${column} ${key.descending ? '<=' : '>='} ${value} and ` : ''
}
