import { SQL } from 'drizzle-orm'
import { problem } from '../errors/plinth-error.ts'
import { markShown, shownOn, type FieldView } from '../fields/field-view.ts'
import { asksRow, fieldWrites, refuseFields, unwritable, unwritableOn, type Writer } from '../fields/field-writes.ts'
import { inputSchemas, keptByPut } from '../input/schemas.ts'
import { toStored } from '../input/stored.ts'
import { storedValues, validate } from '../input/validate.ts'
import { databaseDefault, type ChangeOperation, type RawRow } from '../ports/database.ts'
import { writableFields, type FieldInfo, type ResourceInfo } from '../resource/resource-info.ts'
import { viewOf } from '../resource/reading-context.ts'
import { admits } from '../resource/admitted.ts'
import { concernsTemplates, holdTemplates } from '../template/settle.ts'
import { immutableOf, refuseChanged, type Values } from './immutable-fields.ts'
import { changeNeedsTransaction } from './needs-transaction.ts'
import { mergedJson, nestedPatches, withoutNested } from './nested-json.ts'
import { updateRow } from './update-row.ts'
import { deniedRow, transactionOf, type WriteParts } from './write-parts.ts'

/** A validated PATCH or PUT, before the row is known. */
export interface PreparedChange {
  readonly values: Values
  /** json columns that merge with what is stored. */
  readonly nested: ReadonlyMap<FieldInfo, unknown>
  readonly fixed: readonly FieldInfo[]
  /** What becomes of fields that are not his to write: a PATCH is refused, a PUT leaves them as they are. */
  readonly unwritable: 'refused' | 'kept'
}

/** A JSON merge patch (RFC 7396). @param view what its writer is shown of the fields. @throws validation_failed */
export function preparePatch(resource: ResourceInfo, view: FieldView, body: unknown): PreparedChange {
  const plain = validate(inputSchemas(resource).part, withoutNested(resource, view, body)) as Record<string, unknown>
  const values: Values = storedValues(resource, plain)
  const nested = nestedPatches(resource, view, body)
  const fixed = [...immutableOf(values), ...[...nested.keys()].filter((field) => field.immutable)]
  return { values, nested, fixed, unwritable: 'refused' }
}

/**
 * The whole row. What the server owns, hides or keeps secret is ignored and kept, and so is a restricted field that is not named.
 * @throws validation_failed
 */
export function prepareReplacement(resource: ResourceInfo, body: unknown): PreparedChange {
  const whole = validate(inputSchemas(resource).replacement, body) as Record<string, unknown>
  const values: Values = storedValues(resource, whole)
  for (const field of writableFields(resource)) {
    if (!values.has(field) && !keptByPut(field)) values.set(field, absentValue(field))
  }
  return { values, nested: new Map(), fixed: immutableOf(values), unwritable: 'kept' }
}

export function preparedNeedsTransaction(
  writer: Writer,
  resource: ResourceInfo,
  id: string,
  { values, nested, fixed }: PreparedChange,
): boolean {
  return nested.size > 0 || fixed.length > 0 || changeNeedsTransaction(writer, resource, id, [...values.keys()])
}

/**
 * Makes the change. May be called again with the same one, when the transaction is repeated.
 * @throws as `updateRow`, and permission_denied for a field
 */
export async function changeRow(
  parts: WriteParts,
  operation: ChangeOperation,
  change: PreparedChange,
): Promise<RawRow> {
  const { resource, id, visible, allowed } = operation
  const writes = fieldWrites(parts, resource, id)
  const { values, nested, fixed } = without(change, resource, unwritable(writes, fieldsOf(change)))
  if (nested.size === 0 && fixed.length === 0 && !asksRow(writes, values.keys()))
    return updateRow(parts, { ...operation, values })
  const transaction = transactionOf(parts)
  const { registry } = parts.platform
  if (concernsTemplates(registry, resource, [...values.keys(), ...nested.keys()]))
    await holdTemplates(registry, resource, transaction)
  const current = await transaction.lock({ resource, id, visible })
  if (!current) throw problem('not_found')
  // Who may not change the row, or a field of it, is told that, and nothing about its values.
  if (!(await admits(transaction, resource, current, allowed, parts.scope.facts))) throw deniedRow(resource, 'update')
  const given = { ...change, values, nested, fixed }
  const place = { resource, writer: parts }
  const mine = without(given, resource, await unwritableOn(writes, fieldsOf(given), current, place))
  const merged: Values = new Map(mine.values)
  for (const [field, patch] of mine.nested) merged.set(field, mergedJson(field, current, patch))
  const view = viewOf(parts, resource, id)
  const [marked = current] = await markShown(transaction, view, resource, [current], parts.scope.facts)
  // Of an immutable json column too, the merged value counts: a patch of one member would change it otherwise.
  refuseChanged(current, mine.fixed, merged, (field) => view.fields.includes(field) && shownOn(view, field, marked))
  return updateRow(parts, { ...operation, values: merged })
}

function fieldsOf({ values, nested }: PreparedChange): readonly FieldInfo[] {
  return [...values.keys(), ...nested.keys()]
}

/** The change without what is not his to write. @throws permission_denied where that is refused */
function without(change: PreparedChange, resource: ResourceInfo, fields: readonly FieldInfo[]): PreparedChange {
  if (fields.length === 0) return change
  if (change.unwritable === 'refused') refuseFields(resource, fields)
  const left = (field: FieldInfo): boolean => !fields.includes(field)
  return {
    ...change,
    values: new Map([...change.values].filter(([field]) => left(field))),
    nested: new Map([...change.nested].filter(([field]) => left(field))),
    fixed: change.fixed.filter(left),
  }
}

/** What an absent field of a PUT becomes: its default, or NULL. */
function absentValue(field: FieldInfo): string | null | typeof databaseDefault {
  if (!field.hasDefault) return null
  const usual: unknown = field.column.default
  if (usual === undefined || usual instanceof SQL) return databaseDefault
  return toStored(field, field.kind.toJson(usual))
}
