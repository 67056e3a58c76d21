import { getTableColumns } from 'drizzle-orm'
import { getTableConfig, type PgColumn, type PgTable } from 'drizzle-orm/pg-core'
import {
  fieldOf,
  recordedWrite,
  type RecordedName,
  type RecordedRow,
  type RecordedWrite,
  type Registry,
  type ResourceInfo,
  type StartupFault,
} from '@plinth/core'
import { columnType } from './column-types.ts'
import { identifier, literal } from './quote.ts'
import { resourceSql } from './resource-sql.ts'
import { rowJson } from './row-json.ts'
import { writeNames, type WriteNames } from './write-clause.ts'

export type WriteKind = RecordedWrite['operation']

/** What features record beside the writes of every resource, as SQL: printed once at start, the same text for every write. */
export interface Records {
  /**
   * CTEs that go between the write and the final select: recorded rows, and the event where some feature listens to its type.
   * Empty where there is neither: what nobody uses costs nothing.
   * @param many for a statement that writes many rows: each is recorded by its own id
   */
  readonly beside: (resource: ResourceInfo, kind: WriteKind, event: string, many?: 'many') => string
  readonly listens: (type: string) => boolean
  /** `schema.table` of everything that is written beside a resource: an error there is not the caller's. */
  readonly tables: ReadonlySet<string>
}

export const EVENTS_TABLE = '"plinth"."events"'

interface CompiledWrite {
  readonly records: string
  readonly withEvent: string
}

/** Calls each feature's `record` once per resource and kind of write, with symbols instead of values. */
export function compileRecords(registry: Registry, withFacts: boolean, faults: StartupFault[]): Records {
  const texts = new Map<ResourceInfo, Readonly<Record<WriteKind | `many ${WriteKind}`, CompiledWrite>>>()
  const tables = new Set(['plinth.events'])
  for (const resource of registry.resources) {
    const { key, ownKey } = resourceSql(resource)
    const names = writeNames(withFacts, key)
    const compile = (kind: WriteKind, many?: 'many'): CompiledWrite => {
      const symbols = { ...symbolTexts(resource, kind, names), ...(many || ownKey ? { id: 'n.id' } : {}) }
      const source = many ? sourceOfMany(kind) : sourceOf(kind)
      const rows = registry.features.flatMap((feature) => {
        return (feature.record?.(recordedWrite(resource.name, kind)) ?? []).map((row) => ({
          feature: feature.name,
          row,
        }))
      })
      const records = rows.map(({ feature, row }, at) =>
        printRow({ name: `r${at}`, row, source, symbols, resource, feature, tables, faults }),
      )
      return { records: records.join(''), withEvent: records.join('') + printEvent(resource, kind, source, symbols) }
    }
    texts.set(resource, {
      create: compile('create'),
      update: compile('update'),
      delete: compile('delete'),
      'many create': compile('create', 'many'),
      'many update': compile('update', 'many'),
      'many delete': compile('delete', 'many'),
    })
  }
  const of = (resource: ResourceInfo, kind: WriteKind, many?: 'many'): CompiledWrite => {
    const compiled = texts.get(resource)?.[many ? (`many ${kind}` as const) : kind]
    // Not "nothing to record": a write that nobody records is what an auditor must be able to rule out.
    if (!compiled) throw new Error(`${resource.name} is no resource of the registry that this database is attached to`)
    return compiled
  }
  const listens = (type: string): boolean => registry.listened.has('*') || registry.listened.has(type)
  return {
    beside: (resource, kind, event, many) => {
      const compiled = of(resource, kind, many)
      return listens(`${resource.name}.${event}`) ? compiled.withEvent : compiled.records
    },
    listens,
    tables,
  }
}

type Symbols = Readonly<Record<RecordedName, string>>

/** `n` is the row after the write, `b` the row before it (the deleted row is both). */
function symbolTexts(resource: ResourceInfo, kind: WriteKind, names: WriteNames): Symbols {
  return {
    newId: 'gen_random_uuid()',
    tenantId: names.tenantId,
    id: names.id,
    version: 'n.version',
    actorKind: names.actorKind,
    actorId: names.actorId,
    requestId: names.requestId,
    time: names.now,
    event: names.event,
    before: kind === 'create' ? 'null::jsonb' : rowJson(resource, 'b'),
    after: kind === 'delete' ? 'null::jsonb' : rowJson(resource, 'n'),
  }
}

/** The rows to record from: none unless the write took place. */
function sourceOf(kind: WriteKind): string {
  return kind === 'create' ? 'n' : 'n, b'
}

function sourceOfMany(kind: WriteKind): string {
  return kind === 'create' ? 'n' : 'n join b on b.id = n.id'
}

interface RowParts {
  readonly name: string
  readonly row: RecordedRow
  readonly source: string
  readonly symbols: Symbols
  readonly resource: ResourceInfo
  readonly feature: string
  readonly tables: Set<string>
  readonly faults: StartupFault[]
}

function printRow({ name, row, source, symbols, resource, feature, tables, faults }: RowParts): string {
  const { schema = 'public', name: table } = getTableConfig(row.table)
  tables.add(`${schema}.${table}`)
  const columns = getTableColumns(row.table as PgTable) as Readonly<Record<string, PgColumn>>
  const refuse = (problem: string, fix: string): void => {
    const path = `feature ${feature}.record`
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
    if (isId && !holdsKey(column, fieldOf(resource, 'id').column))
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

function printValue(column: PgColumn, value: RecordedRow['values'][string], symbols: Symbols): string {
  const type = columnType(column)
  if (value === null) return 'null'
  if (typeof value !== 'object') return type.store(literal(String(value)))
  const text = symbols[value.recorded]
  if (type.family === 'zoneless' && value.recorded === 'time') return `(${text} at time zone 'UTC')`
  return type.family === 'text' ? `${text}::text` : `${text}::${type.bare}`
}

function printEvent(resource: ResourceInfo, kind: WriteKind, source: string, symbols: Symbols): string {
  const data = kind === 'delete' ? symbols.before : symbols.after
  // The key is the row: what happens to one row is handed on in the order in which it happened.
  return (
    `, e as (insert into ${EVENTS_TABLE} (tenant_id, id, type, key, data, actor_kind, actor_id, request_id, occurred_at)` +
    ` select ${symbols.tenantId}, gen_random_uuid(), ${literal(`${resource.name}.`)} || ${symbols.event}, ${literal(`${resource.name}:`)} || ${symbols.id}::text, ${data},` +
    ` ${symbols.actorKind}, ${symbols.actorId}, ${symbols.requestId}, ${symbols.time} from ${source})`
  )
}
