import { problem } from '../errors/plinth-error.ts'
import { pointer } from '../input/validate.ts'
import type { RawRow, UpdateOperation } from '../ports/database.ts'
import type { FieldInfo } from '../resource/resource-info.ts'
import { sameJson } from '../template/resolve.ts'

/** Values of a change, while they are put together. */
export type Values = Map<FieldInfo, UpdateOperation['values'] extends ReadonlyMap<FieldInfo, infer V> ? V : never>

/** The fields of a change that may not change: they are compared with the row instead. */
export function immutableOf(values: Values): readonly FieldInfo[] {
  return [...values.keys()].filter((field) => field.immutable)
}

/**
 * Takes them out of the change. An immutable field must be absent or equal; one that he is not shown absent, since "equal" would tell
 * whether it was guessed.
 * @throws validation_failed
 */
export function refuseChanged(
  current: RawRow,
  fixed: readonly FieldInfo[],
  values: Values,
  shown: (field: FieldInfo) => boolean,
): void {
  const changed = fixed.filter((field) => {
    const before = current[field.key]
    const now = values.get(field)
    const same =
      before === null || before === undefined
        ? now === null
        : typeof now === 'string' && means(field, now, JSON.parse(field.kind.print(before)))
    values.delete(field)
    return field.secret || !shown(field) || !same
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

/**
 * Whether what was sent means what GET shows. Texts differ that mean the same: PostgreSQL prints neither the last zeros of
 * `12:00:00.500Z` nor the members of an object in the order in which they were sent.
 */
function means(field: FieldInfo, stored: string, shown: unknown): boolean {
  if (field.kind.name === 'json') return sameJson(JSON.parse(stored), shown)
  if (field.kind.compares === 'time') return instantOf(stored) === instantOf(String(shown))
  if (field.kind.compares === 'number') return Number(stored) === shown
  return stored === String(shown)
}

/** To the microsecond, which a Date would lose. */
function instantOf(time: string): string {
  const [, fraction = ''] = /\.(\d{1,6})/.exec(time) ?? []
  return `${Date.parse(time.replace(/\.\d+/, ''))}.${fraction.padEnd(6, '0')}`
}
