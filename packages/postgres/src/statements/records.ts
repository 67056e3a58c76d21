import {
  recordedEvent,
  recordedWrite,
  type RecordedName,
  type RecordedWrite,
  type Registry,
  type ResourceInfo,
  type StartupFault,
} from '@plinth/core'
import { printRecord } from './print-record.ts'
import { literal } from './quote.ts'
import { resourceSql } from './resource-sql.ts'
import { maskedChanges, personalChanges } from './row-changes.ts'
import { rowOf } from './row-json.ts'
import { eventNames, writeNames, type WriteNames, type Written } from './write-clause.ts'

export type WriteKind = RecordedWrite['operation']

/** What features record beside the writes of every resource, as SQL: printed once at start, the same text for every write. */
export interface Records {
  /**
   * CTEs that go between the write and the final select: recorded rows, and the event where some feature listens to its type.
   * Empty where there is neither: what nobody uses costs nothing.
   * @param rows for a statement that writes many rows: each is recorded by its own id
   */
  readonly beside: (resource: ResourceInfo, kind: WriteKind, event: string, rows?: Rows) => string
  /** CTEs beside an event that a hand-written write emits; empty where nobody records it. */
  readonly besideEvent: string
  readonly hearing: (type: string) => Hearing
  /** Which parameters stand for them: none but where something is written beside, the client's only where somebody records it. */
  readonly written: (beside: string) => Written
  /** `schema.table` of everything that is written beside a resource: an error there is not the caller's. */
  readonly tables: ReadonlySet<string>
}

export const EVENTS_TABLE = '"plinth"."events"'

/** Whether an event is written at all, and whether the relay has anything to do with it. */
export type Hearing = 'unheard' | 'stored' | 'heard'

/** What is stored for readers alone is through as it is written: the relay, which marks each event that it handed on, never meets it. */
export const deliveredAs: Readonly<Record<Exclude<Hearing, 'unheard'>, string>> = {
  stored: 'clock_timestamp()',
  heard: 'null::timestamptz',
}

/** Many rows of one request, or one each of several requests (creates alone). */
export type Rows = 'many' | 'together'

type CompiledWrite = Readonly<Record<Hearing, string>>

const ofTheClient = new Set<string>(['onBehalfOf', 'address', 'userAgent'])

/** Calls each feature's `record` once per resource and kind of write, and `recordEvent` once, with symbols instead of values. */
export function compileRecords(registry: Registry, withFacts: boolean, faults: StartupFault[]): Records {
  const texts = new Map<
    ResourceInfo,
    Readonly<Record<WriteKind | `many ${WriteKind}` | 'together create', CompiledWrite>>
  >()
  const tables = new Set(['plinth.events'])
  let fromWhere = false
  const seen = ({ values }: { readonly values: Readonly<Record<string, unknown>> }): void => {
    for (const value of Object.values(values))
      if (typeof value === 'object' && value !== null && 'recorded' in value)
        fromWhere ||= ofTheClient.has(String(value.recorded))
  }
  for (const resource of registry.resources) {
    const { key, ownKey } = resourceSql(resource)
    const names = writeNames(withFacts, key)
    const compile = (kind: WriteKind, many?: Rows): CompiledWrite => {
      const symbols = {
        ...symbolTexts(resource, kind, names),
        ...(many || ownKey ? { id: 'n.id' } : {}),
        ...(many === 'together' ? ofEachRequest : {}),
      }
      const source = many === 'together' ? SOURCE_TOGETHER : many ? sourceOfMany(kind) : sourceOf(kind)
      const rows = registry.features.flatMap((feature) => {
        return (feature.record?.(recordedWrite(resource.name, kind)) ?? []).map((row) => ({
          feature: feature.name,
          row,
        }))
      })
      const records = rows.map(({ feature, row }, at) => {
        seen(row)
        return printRecord({ name: `r${at}`, row, source, symbols, resource, feature, hook: 'record', tables, faults })
      })
      const withEvent = (hearing: keyof typeof deliveredAs): string =>
        records.join('') + printEvent(resource, kind, source, symbols, deliveredAs[hearing])
      return { unheard: records.join(''), stored: withEvent('stored'), heard: withEvent('heard') }
    }
    texts.set(resource, {
      create: compile('create'),
      update: compile('update'),
      delete: compile('delete'),
      'many create': compile('create', 'many'),
      'many update': compile('update', 'many'),
      'many delete': compile('delete', 'many'),
      'together create': compile('create', 'together'),
    })
  }
  const ofEvents = registry.features.flatMap((feature) =>
    (feature.recordEvent?.(recordedEvent()) ?? []).map((row) => ({ feature: feature.name, row })),
  )
  const besideEvent = ofEvents.map(({ feature, row }, at) =>
    printRecord({
      name: `r${at}`,
      row,
      source: 'c where c.t is not null',
      symbols: eventNames,
      resource: undefined,
      feature,
      hook: 'recordEvent',
      tables,
      faults,
    }),
  )
  const of = (resource: ResourceInfo, kind: WriteKind, rows?: Rows): CompiledWrite => {
    const compiled =
      texts.get(resource)?.[rows === 'together' ? 'together create' : rows ? (`many ${kind}` as const) : kind]
    // Not "nothing to record": a write that nobody records is what an auditor must be able to rule out.
    if (!compiled) throw new Error(`${resource.name} is no resource of the registry that this database is attached to`)
    return compiled
  }
  const hearing = (type: string): Hearing =>
    registry.handlers.has(type) ? 'heard' : registry.listened.has(type) ? 'stored' : 'unheard'
  const whatIsWritten = fromWhere ? 'by whom and from where' : 'by whom'
  return {
    beside: (resource, kind, event, rows) => of(resource, kind, rows)[hearing(`${resource.name}.${event}`)],
    besideEvent: besideEvent.join(''),
    hearing,
    written: (beside) => (beside === '' ? 'nothing' : whatIsWritten),
    tables,
  }
}

/** The trace is of events alone: no feature records it. */
type Symbols = Readonly<Record<RecordedName | 'traceparent', string>>

/** `n` is the row after the write, `b` the row before it (the deleted row is both); each brings along what it is as jsonb. */
function symbolTexts(resource: ResourceInfo, kind: WriteKind, names: WriteNames): Symbols {
  return {
    newId: 'gen_random_uuid()',
    tenantId: names.tenantId,
    id: names.id,
    version: 'n.version',
    actorKind: names.actorKind,
    actorId: names.actorId,
    onBehalfOf: names.onBehalfOf,
    address: names.address,
    userAgent: names.userAgent,
    requestId: names.requestId,
    traceparent: names.traceparent,
    time: names.now,
    event: names.event,
    eventType: `(${literal(`${resource.name}.`)} || ${names.event})`,
    before: kind === 'create' ? 'null::jsonb' : rowOf('b'),
    after: kind === 'delete' ? 'null::jsonb' : rowOf('n'),
    masked: maskedChanges(resource, kind),
    personal: personalChanges(resource, kind),
  }
}

/** The rows to record from: none unless the write took place. */
function sourceOf(kind: WriteKind): string {
  return kind === 'create' ? 'n' : 'n, b'
}

function sourceOfMany(kind: WriteKind): string {
  return kind === 'create' ? 'n' : 'n join b on b.id = n.id'
}

/** `v` says of each row of `n` what its request was. */
const SOURCE_TOGETHER = 'n join v on v.id = n.id'

/** Columns of `v`, as `printCreateTogether` names them. */
const ofEachRequest = { requestId: 'v.request', traceparent: 'v.trace', time: 'v.now' } as const

function printEvent(
  resource: ResourceInfo,
  kind: WriteKind,
  source: string,
  symbols: Symbols,
  delivered: string,
): string {
  const { version = 1 } = resource.declaration.events ?? {}
  const data = kind === 'delete' ? symbols.before : symbols.after
  // The key is the row: what happens to one row is handed on in the order in which it happened.
  return (
    `, e as (insert into ${EVENTS_TABLE} (tenant_id, id, type, version, key, data, actor_kind, actor_id, request_id, traceparent, occurred_at, delivered_at)` +
    ` select ${symbols.tenantId}, gen_random_uuid(), ${literal(`${resource.name}.`)} || ${symbols.event}, ${version}, ${literal(`${resource.name}:`)} || ${symbols.id}::text, ${data},` +
    ` ${symbols.actorKind}, ${symbols.actorId}, ${symbols.requestId}, ${symbols.traceparent}, ${symbols.time}, ${delivered} from ${source})`
  )
}
