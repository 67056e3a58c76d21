import type { PgTable } from 'drizzle-orm/pg-core'

/** Of every kind of recorded happening: who, where from, for whom and when. */
const circumstances = [
  'newId',
  'tenantId',
  'actorKind',
  'actorId',
  'onBehalfOf',
  'address',
  'userAgent',
  'requestId',
  'time',
] as const
const ofWrites = [
  ...circumstances,
  'id',
  'version',
  'event',
  'eventType',
  'before',
  'after',
  'masked',
  'personal',
] as const
const ofEvents = [...circumstances, 'eventType', 'key', 'data', 'before', 'after', 'masked', 'personal'] as const
export type RecordedName = (typeof ofWrites)[number]
export type RecordedEventName = (typeof ofEvents)[number]

/** Stands for a value of the write that is known only when it happens. */
export interface RecordedValue<Name extends string = RecordedName> {
  readonly recorded: Name
}

interface Circumstances<Name extends string> {
  /** A fresh UUID for the recorded row itself. */
  readonly newId: RecordedValue<Name>
  readonly tenantId: RecordedValue<Name>
  readonly actorKind: RecordedValue<Name>
  readonly actorId: RecordedValue<Name>
  /** Id of the user for whom the actor acts (the holder of a key); NULL for who acts for himself. */
  readonly onBehalfOf: RecordedValue<Name>
  /** Of the client; NULL where nobody told it. */
  readonly address: RecordedValue<Name>
  /** What the client calls itself; NULL where it does not say. */
  readonly userAgent: RecordedValue<Name>
  readonly requestId: RecordedValue<Name>
  readonly time: RecordedValue<Name>
  /** `site.created`, `site.archive`, `apiKey.rotated`. */
  readonly eventType: RecordedValue<Name>
}

/** The write as `record` sees it: its kind as plain words, its values as symbols. What no row uses costs nothing. */
export interface RecordedWrite extends Circumstances<RecordedName> {
  /** `site`. */
  readonly resource: string
  readonly operation: 'create' | 'update' | 'delete'
  readonly id: RecordedValue
  /** Version after the write. */
  readonly version: RecordedValue
  /** `created`, `updated`, `deleted`, or the action that caused it. */
  readonly event: RecordedValue
  /** The row as jsonb before the write (NULL for a create), without secrets, personal data masked. */
  readonly before: RecordedValue
  /** The row as jsonb after the write (NULL for a delete), masked likewise. */
  readonly after: RecordedValue
  /**
   * Names of the secret, hidden and restricted fields that the write changed (of a create and a delete: that have a value), as a jsonb
   * list; NULL where there are none. Their values are in no record.
   */
  readonly masked: RecordedValue
  /**
   * The personal fields that changed, as jsonb: `{ "email": [before, after] }`; NULL where there are none. In the clear: whoever
   * records them must encrypt them, or they cannot be erased.
   */
  readonly personal: RecordedValue
}

/** An event that a hand-written write emits, as `recordEvent` sees it. */
export interface RecordedEvent extends Circumstances<RecordedEventName> {
  /** What it is about: an id, or `site:<id>`. */
  readonly key: RecordedValue<RecordedEventName>
  /** As jsonb. */
  readonly data: RecordedValue<RecordedEventName>
  /** What changed, as of a generated write; NULL where whoever emits says nothing of it. It is in no event: who hears of one is told its data. */
  readonly before: RecordedValue<RecordedEventName>
  readonly after: RecordedValue<RecordedEventName>
  readonly masked: RecordedValue<RecordedEventName>
  readonly personal: RecordedValue<RecordedEventName>
}

/** What a hand-written write changed, for those who record it, in the form in which generated writes tell it. JSON. */
export interface WrittenChanges {
  /** The fields that changed, as they were. */
  readonly before?: Readonly<Record<string, unknown>>
  /** The same, as they are now. */
  readonly after?: Readonly<Record<string, unknown>>
  /** Names of fields that changed and whose values are in no record: a password. */
  readonly masked?: readonly string[]
  /** `{ "email": [before, after] }`: encrypted by whoever records it, under a key of what the event is about (`user:<id>`). */
  readonly personal?: Readonly<Record<string, readonly [unknown, unknown]>>
}

/** An event as a hand-written write emits it. */
export interface EmittedEvent {
  readonly type: string
  /** Events of one key are handed on in order. */
  readonly key: string
  readonly data: unknown
  /** For those who record it, and in no event. */
  readonly changes?: WrittenChanges | undefined
}

export interface RecordedRow<Name extends string = RecordedName> {
  readonly table: PgTable
  /** By property name of the table. Columns left out take their default. */
  readonly values: Readonly<Record<string, RecordedValue<Name> | string | number | boolean | null>>
}

/** The symbolic write that `record` is called with. */
export function recordedWrite(resource: string, operation: RecordedWrite['operation']): RecordedWrite {
  return { resource, operation, ...symbols(ofWrites) }
}

/** The symbolic event that `recordEvent` is called with. */
export function recordedEvent(): RecordedEvent {
  return symbols(ofEvents)
}

function symbols<Name extends string>(names: readonly Name[]): Record<Name, RecordedValue<Name>> {
  return Object.fromEntries(names.map((recorded) => [recorded, { recorded }])) as Record<Name, RecordedValue<Name>>
}
