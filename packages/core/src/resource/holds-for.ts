import type { Condition, Facts } from '../condition/condition.ts'
import { holds } from '../condition/holds.ts'
import type { RawRow } from '../ports/database.ts'
import { fieldOf, type ResourceInfo } from './resource-info.ts'

/** Does the condition hold for this stored row? Unknown is no. */
export function holdsFor(resource: ResourceInfo, row: RawRow, condition: Condition, facts: Facts): boolean {
  return (
    holds(
      condition,
      { value: (field) => row[field], kind: (field) => fieldOf(resource, field).kind.compares },
      facts,
    ) === true
  )
}
