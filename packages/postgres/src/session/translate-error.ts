import { PlinthError, problem, type FieldInfo, type InputFault, type ResourceInfo } from '@plinth/core'
import { classify, type Trouble } from '../errors/connection-trouble.ts'
import type { TableFields } from './table-fields.ts'

/** What was being done when the error came. `other` is a statement of the platform's own, or a commit. */
export type Operation = 'read' | 'create' | 'update' | 'delete' | 'other'

export interface Translation {
  readonly fields: TableFields
  /** `schema.table` of what is written beside resources. */
  readonly recorded: ReadonlySet<string>
}

/**
 * An error of the database as the caller may know it. Never with its own words: PostgreSQL's detail quotes rows ("Key
 * (email)=(…) already exists"), which may be another user's; it stays in `cause`, for the log. Never as 401: a refused login
 * is ours.
 */
export function translateError(error: unknown, operation: Operation, { fields, recorded }: Translation): unknown {
  if (PlinthError.is(error)) return error
  const trouble = classify(error)
  // Nothing was written, and the caller may try again.
  if (trouble.code === 'not_committed') return problem('unavailable', { headers: { 'retry-after': '2' }, cause: error })
  switch (trouble.kind) {
    case 'connection':
    case 'overloaded':
    case 'read_only':
    case 'timeout':
      return problem('unavailable', { headers: { 'retry-after': '2' }, cause: error })
    case 'serialization':
      return problem('conflict', { cause: error })
    default:
  }
  if (isRecord(trouble, error, recorded))
    return problem('record_failed', { headers: { 'retry-after': '2' }, cause: error })
  switch (trouble.kind) {
    case 'permission':
    case 'schema':
      // Grants or tables are not what migrate() made; the comparison at start says which.
      return problem('not_ready', { headers: { 'retry-after': '2' }, cause: error })
    case 'input':
      return problem('validation_failed', { errors: [inputFault(trouble)], cause: error })
    case 'constraint':
      return constraintProblem(trouble, operation, fields, error)
    default:
      return error
  }
}

/**
 * Whether the error came from what is recorded beside the write. Constraints name their table; a trigger function names itself
 * with its schema (`PL/pgSQL function plinth.…`), and so does what does not exist or is not granted.
 */
function isRecord(trouble: Trouble, error: unknown, recorded: ReadonlySet<string>): boolean {
  const message = textOf(error, 'message')
  const where = textOf(error, 'where')
  for (const name of recorded) {
    const [schema = '', table = ''] = name.split('.')
    if (trouble.kind === 'constraint' && trouble.table !== undefined) {
      if (trouble.table === table && (trouble.schema ?? 'public') === schema) return true
    } else if (schema !== 'public' && (message.includes(`${schema}.`) || where.includes(`${schema}.`))) return true
    // `permission denied for table x`, `… row-level security policy for table "x"`.
    else if (trouble.kind === 'permission' && (message.endsWith(` ${table}`) || message.endsWith(` "${table}"`)))
      return true
  }
  return false
}

function textOf(error: unknown, name: string): string {
  if (typeof error !== 'object' || error === null) return ''
  const value = (error as Readonly<Record<string, unknown>>)[name]
  if (typeof value === 'string') return value
  return 'cause' in error ? textOf(error.cause, name) : ''
}

function constraintProblem(trouble: Trouble, operation: Operation, fields: TableFields, cause: unknown): unknown {
  const resource = fields.resource(trouble.schema, trouble.table)
  const faults = (code: string, message: string): readonly InputFault[] =>
    faultsOf(resource, trouble, fields, code, message)
  switch (trouble.code) {
    case '23505':
      return problem('already_exists', { errors: faults('taken', 'This value is taken'), cause })
    case '23503':
      if (operation === 'delete') return problem('still_referenced', { cause })
      return problem('validation_failed', {
        errors: faults('reference_not_found', 'There is no such row to refer to'),
        cause,
      })
    // ON DELETE RESTRICT, since PostgreSQL 18.
    case '23001':
      return problem('still_referenced', { cause })
    case '23502':
      return problem('validation_failed', { errors: faults('not_nullable', 'Must not be null'), cause })
    case '23514':
      return problem('validation_failed', {
        errors: faults('check_failed', `The rule ${trouble.constraint ?? 'of the table'} is not met`),
        cause,
      })
    default:
      return problem('conflict', { cause })
  }
}

/** One entry for each field that the constraint names; one for the whole body where it names none. */
function faultsOf(
  resource: ResourceInfo | undefined,
  trouble: Trouble,
  fields: TableFields,
  code: string,
  message: string,
): readonly InputFault[] {
  const named: readonly FieldInfo[] = resource
    ? [...fields.ofConstraint(resource, trouble.constraint), ...fields.ofColumn(resource, trouble.column)]
    : []
  return named.length === 0
    ? [{ path: '', code, message }]
    : named.map((field) => ({ path: `/${field.key}`, code, message }))
}

/** PostgreSQL does not say which column refused a value. Core's validation goes first; this is what got past it. */
function inputFault(trouble: Trouble): InputFault {
  const [code, message] = inputFaults[trouble.code] ?? ['invalid_value', 'A value is not one that the database takes']
  return { path: '', code, message }
}

const inputFaults: Readonly<Record<string, readonly [code: string, message: string]>> = {
  '22001': ['too_long', 'A text is longer than its column'],
  '22003': ['out_of_range', 'A number is out of range'],
  '22P02': ['invalid_value', 'A value has not the form of its type'],
  '22007': ['invalid_time', 'A time has not the form of a time'],
  '22008': ['out_of_range', 'A time is out of range'],
  '22021': ['invalid_characters', 'A text holds characters that cannot be stored'],
  '22P05': ['invalid_characters', 'A text holds characters that cannot be stored'],
  '54000': ['too_long', 'A value is too long for the index on its column'],
}
