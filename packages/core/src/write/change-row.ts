import { SQL } from 'drizzle-orm'
import { problem } from '../errors/plinth-error.ts'
import { inputSchemas } from '../input/schemas.ts'
import { toStored } from '../input/stored.ts'
import { storedValues, validate } from '../input/validate.ts'
import type { Platform } from '../platform/platform.ts'
import { databaseDefault, type ChangeOperation, type RawRow } from '../ports/database.ts'
import { writableFields, type FieldInfo, type ResourceInfo } from '../resource/resource-info.ts'
import { holdsFor } from '../resource/holds-for.ts'
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
}

/** A JSON merge patch (RFC 7396). @throws validation_failed */
export function preparePatch(resource: ResourceInfo, body: unknown): PreparedChange {
  const plain = validate(inputSchemas(resource).part, withoutNested(resource, body)) as Record<string, unknown>
  const values: Values = storedValues(resource, plain)
  const nested = nestedPatches(resource, body)
  return { values, nested, fixed: [...immutableOf(values), ...[...nested.keys()].filter((field) => field.immutable)] }
}

/** The whole row. What the server owns, hides or keeps secret is ignored and kept. @throws validation_failed */
export function prepareReplacement(resource: ResourceInfo, body: unknown): PreparedChange {
  const whole = validate(inputSchemas(resource).replacement, body) as Record<string, unknown>
  const values: Values = storedValues(resource, whole)
  for (const field of writableFields(resource)) {
    if (!values.has(field) && !field.secret && !field.immutable) values.set(field, absentValue(field))
  }
  return { values, nested: new Map(), fixed: immutableOf(values) }
}

export function preparedNeedsTransaction(
  platform: Platform,
  resource: ResourceInfo,
  { values, nested, fixed }: PreparedChange,
): boolean {
  return needsRow(nested, fixed) || changeNeedsTransaction(platform, resource, [...values.keys()])
}

function needsRow(nested: PreparedChange['nested'], fixed: PreparedChange['fixed']): boolean {
  return nested.size > 0 || fixed.length > 0
}

/** Makes the change. May be called again with the same one, when the transaction is repeated. */
export async function changeRow(
  parts: WriteParts,
  operation: ChangeOperation,
  { values, nested, fixed }: PreparedChange,
): Promise<RawRow> {
  if (!needsRow(nested, fixed)) return updateRow(parts, { ...operation, values })
  const { resource, id, visible, allowed } = operation
  const transaction = transactionOf(parts)
  const { registry } = parts.platform
  if (concernsTemplates(registry, resource, [...values.keys(), ...nested.keys()]))
    await holdTemplates(registry, resource, transaction)
  const current = await transaction.lock({ resource, id, visible })
  if (!current) throw problem('not_found')
  // Who may not change the row is told that, and nothing about its values.
  if (!holdsFor(resource, current, allowed, parts.scope.facts)) throw deniedRow(resource, 'update')
  const merged: Values = new Map(values)
  for (const [field, patch] of nested) merged.set(field, mergedJson(field, current, patch))
  // Of an immutable json column too, the merged value counts: a patch of one member would change it otherwise.
  refuseChanged(current, fixed, merged)
  return updateRow(parts, { ...operation, values: merged })
}

/** What an absent field of a PUT becomes: its default, or NULL. */
function absentValue(field: FieldInfo): string | null | typeof databaseDefault {
  if (!field.hasDefault) return null
  const usual: unknown = field.column.default
  if (usual === undefined || usual instanceof SQL) return databaseDefault
  return toStored(field, field.kind.toJson(usual))
}
