import { getTableColumns } from 'drizzle-orm'
import { getTableConfig, type PgColumn, type PgTable } from 'drizzle-orm/pg-core'
import { fieldOf, type RecordedValue, type ResourceInfo, type StartupFault } from '@plinth/core'
import { columnType } from './column-types.ts'
import { identifier, literal } from './quote.ts'

/** A row that a feature records, with what stands for its symbols. */
export interface RowParts {
  /** Of the CTE. */
  readonly name: string
  readonly row: {
    readonly table: PgTable
    readonly values: Readonly<Record<string, RecordedValue<string> | string | number | boolean | null>>
  }
  /** What it is selected from: no row where nothing was written. */
  readonly source: string
  readonly symbols: Readonly<Record<string, string>>
  /** The resource whose writes are recorded; undefined for events. */
  readonly resource: ResourceInfo | undefined
  readonly feature: string
  readonly hook: 'record' | 'recordEvent'
  readonly tables: Set<string>
  readonly faults: StartupFault[]
}

/** `, r0 as (insert into … select … from …)` */
export function printRecord({ name, row, source, symbols, resource, feature, hook, tables, faults }: RowParts): string {
  const { schema = 'public', name: table } = getTableConfig(row.table)
  tables.add(`${schema}.${table}`)
  const columns = getTableColumns(row.table as PgTable) as Readonly<Record<string, PgColumn>>
  const refuse = (problem: string, fix: string): void => {
    const path = `feature ${feature}.${hook}`
    // Every kind of write of every resource asks: one fault is enough.
    if (!faults.some((fault) => fault.path === path && fault.problem === problem)) faults.push({ path, problem, fix })
  }
  const entries = Object.entries(row.values).flatMap(([key, value]) => {
    const column = columns[key]
    if (!column) {
      refuse(`${table} has no column ${key}`, `use one of: ${Object.keys(columns).join(', ')}`)
      return []
    }
    const isId = typeof value === 'object' && value?.recorded === 'id'
    if (isId && resource && !holdsKey(column, fieldOf(resource, 'id').column))
      refuse(
        `writes the id of a ${resource.name}, which is ${fieldOf(resource, 'id').column.getSQLType()}, into ${table}.${key}, which is ${column.getSQLType()}`,
        `make ${table}.${key} a text, or record nothing where write.resource is '${resource.name}'`,
      )
    return [{ name: identifier(column.name), value: printValue(column, value, symbols) }]
  })
  if (entries.length === 0)
    refuse(
      `records a row of ${table} without a value`,
      'give it tenantId: write.tenantId and what else there is to say',
    )
  const target = `${identifier(schema)}.${identifier(table)} (${entries.map((entry) => entry.name).join(', ')})`
  return `, ${name} as (insert into ${target} select ${entries.map((entry) => entry.value).join(', ')} from ${source})`
}

/** PostgreSQL would refuse the cast with the first write of a row, and that write with it. */
function holdsKey(column: PgColumn, key: PgColumn): boolean {
  if (columnType(column).family === 'text' || column.columnType === key.columnType) return true
  const numbers = ['PgSmallInt', 'PgInteger', 'PgBigInt', 'PgNumeric']
  const width = ({ columnType: type }: PgColumn): number => numbers.findIndex((name) => type.startsWith(name))
  return width(key) >= 0 && width(column) >= width(key)
}

function printValue(
  column: PgColumn,
  value: RowParts['row']['values'][string],
  symbols: Readonly<Record<string, string>>,
): string {
  const type = columnType(column)
  if (value === null || value === undefined) return 'null'
  if (typeof value !== 'object') return type.store(literal(String(value)))
  const text = symbols[value.recorded]
  if (text === undefined) throw new Error(`${value.recorded} is no symbol of what is recorded`)
  if (type.family === 'zoneless' && value.recorded === 'time') return `(${text} at time zone 'UTC')`
  return type.family === 'text' ? `${text}::text` : `${text}::${type.bare}`
}
