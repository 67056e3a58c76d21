import { and, type Condition } from '../condition/condition.ts'
import type { Permissions } from './permissions.ts'

/**
 * The rows that exist for who wants to do something: those that he may read. Who may not read at all but may change a row may be told of
 * it, so for him it is the rows that he may act upon; but for those that he is forbidden to read. Without that, a denial of reading
 * would be undone by the answer to a PATCH, which shows the row.
 * @param reading number of `model:read`
 * @param allowed the rows that he may act upon
 */
export function visibleTo(permissions: Permissions, reading: number, allowed: Condition): Condition {
  const seeing = permissions.condition(reading)
  return seeing.kind === 'never' ? and(permissions.narrowing(reading), allowed) : seeing
}
