import type { PgTable } from 'drizzle-orm/pg-core'

const recordedNames = [
  'newId',
  'tenantId',
  'id',
  'version',
  'actorKind',
  'actorId',
  'requestId',
  'time',
  'event',
  'before',
  'after',
] as const
export type RecordedName = (typeof recordedNames)[number]

/** Stands for a value of the write that is known only when it happens. */
export interface RecordedValue {
  readonly recorded: RecordedName
}

/** The write as `record` sees it: its kind as plain words, its values as symbols. */
export interface RecordedWrite {
  /** `site`. */
  readonly resource: string
  readonly operation: 'create' | 'update' | 'delete'
  /** A fresh UUID for the recorded row itself. */
  readonly newId: RecordedValue
  readonly tenantId: RecordedValue
  readonly id: RecordedValue
  /** Version after the write. */
  readonly version: RecordedValue
  readonly actorKind: RecordedValue
  readonly actorId: RecordedValue
  readonly requestId: RecordedValue
  readonly time: RecordedValue
  /** `created`, `updated`, `deleted`, or the action that caused it. */
  readonly event: RecordedValue
  /** The row as jsonb before the write (NULL for a create), without secrets, personal data masked. */
  readonly before: RecordedValue
  /** The row as jsonb after the write (NULL for a delete), masked likewise. */
  readonly after: RecordedValue
}

export interface RecordedRow {
  readonly table: PgTable
  /** By property name of the table. Columns left out take their default. */
  readonly values: Readonly<Record<string, RecordedValue | string | number | boolean | null>>
}

/** The symbolic write that `record` is called with. */
export function recordedWrite(resource: string, operation: RecordedWrite['operation']): RecordedWrite {
  const symbols = Object.fromEntries(recordedNames.map((recorded) => [recorded, { recorded }]))
  return { resource, operation, ...(symbols as Record<RecordedName, RecordedValue>) }
}
