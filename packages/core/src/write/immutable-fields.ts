import { problem } from '../errors/plinth-error.ts'
import { pointer } from '../input/validate.ts'
import type { RawRow, UpdateOperation } from '../ports/database.ts'
import type { FieldInfo } from '../resource/resource-info.ts'

/** Values of a change, while they are put together. */
export type Values = Map<FieldInfo, UpdateOperation['values'] extends ReadonlyMap<FieldInfo, infer V> ? V : never>

/** The fields of a change that may not change: they are compared with the row instead. */
export function immutableOf(values: Values): readonly FieldInfo[] {
  return [...values.keys()].filter((field) => field.immutable)
}

/**
 * Takes them out of the change. An immutable field must be absent or equal; a secret one absent, since "equal" would tell whether
 * it was guessed.
 * @throws validation_failed
 */
export function refuseChanged(current: RawRow, fixed: readonly FieldInfo[], values: Values): void {
  const changed = fixed.filter((field) => {
    const before = current[field.key]
    const now = values.get(field)
    const same =
      before === null || before === undefined
        ? now === null
        : JSON.stringify(comparable(field, now)) === field.kind.print(before)
    values.delete(field)
    return field.secret || !same
  })
  if (changed.length === 0) return
  throw problem('validation_failed', {
    errors: changed.map((field) => ({
      path: pointer([field.key]),
      code: 'immutable',
      message: 'Cannot be changed once the row exists',
    })),
  })
}

/** A stored value in the form in which `print` shows it. */
function comparable(field: FieldInfo, stored: unknown): unknown {
  if (typeof stored !== 'string') return stored
  if (field.kind.compares === 'time') return new Date(stored).toISOString()
  if (field.kind.name === 'json') return JSON.parse(stored) as unknown
  if (field.kind.compares === 'number') return Number(stored)
  return field.kind.compares === 'boolean' ? stored === 'true' : stored
}
