import { problem } from '../errors/plinth-error.ts'
import { shownEverywhere, type FieldView } from '../fields/field-view.ts'
import { isObject, mergePatch } from '../input/merge-patch.ts'
import { toStored } from '../input/stored.ts'
import { faultsAt } from '../input/validate.ts'
import type { RawRow } from '../ports/database.ts'
import { writableFields, type FieldInfo, type ResourceInfo } from '../resource/resource-info.ts'

/**
 * json columns whose patch is an object: they merge with what is stored (RFC 7396), so they need the row. One that he is not shown on
 * every row, as a secret, does not: a merged value that its schema refuses would tell what the rest of it is, a guess at a time. It
 * is replaced whole.
 */
export function nestedPatches(resource: ResourceInfo, view: FieldView, body: unknown): ReadonlyMap<FieldInfo, unknown> {
  const patches = new Map<FieldInfo, unknown>()
  if (!isObject(body)) return patches
  for (const field of writableFields(resource)) {
    if (field.kind.name !== 'json' || field.secret || !shownEverywhere(view, field)) continue
    if (Object.hasOwn(body, field.key) && isObject(body[field.key])) patches.set(field, body[field.key])
  }
  return patches
}

/** The body without them: a patch need not satisfy the schema that the merged value must. */
export function withoutNested(resource: ResourceInfo, view: FieldView, body: unknown): unknown {
  const nested = nestedPatches(resource, view, body)
  if (nested.size === 0 || !isObject(body)) return body
  const names = new Set([...nested.keys()].map((field) => field.key))
  return Object.fromEntries(Object.entries(body).filter(([key]) => !names.has(key)))
}

/** @throws validation_failed when the merged value is not what the field takes */
export function mergedJson(field: FieldInfo, current: RawRow, patch: unknown): string | null {
  const stored = current[field.key]
  const merged = mergePatch(stored === null || stored === undefined ? undefined : field.kind.decode(stored), patch)
  const checked = field.schema.safeParse(merged)
  if (checked.success) return toStored(field, checked.data)
  throw problem('validation_failed', { errors: faultsAt([field.key], checked.error, merged) })
}
