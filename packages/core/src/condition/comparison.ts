import { isNullish, order, type ComparableKind } from './comparable.ts'
import type { Comparison, Scalar } from './condition.ts'

/** Null is unknown. */
export type Truth = boolean | null

/** As SQL compares: with NULL nothing is known. */
export function comparison(op: Comparison, left: unknown, right: Scalar, kind: ComparableKind): Truth {
  if (isNullish(left) || right === null) return null
  const sign = order(left, right, kind)
  if (op === 'eq') return sign === 0
  if (op === 'ne') return sign !== 0
  if (op === 'lt') return sign < 0
  if (op === 'lte') return sign <= 0
  return op === 'gt' ? sign > 0 : sign >= 0
}
