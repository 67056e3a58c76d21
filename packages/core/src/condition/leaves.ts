import type { Condition } from './condition.ts'

/** The parts of a condition that have no parts. */
export function leavesOf(condition: Condition): readonly Condition[] {
  if (condition.kind === 'and' || condition.kind === 'or') return condition.of.flatMap(leavesOf)
  return condition.kind === 'not' ? leavesOf(condition.of) : [condition]
}

/** The fields that it asks for. */
export function fieldsAsked(condition: Condition): ReadonlySet<string> {
  return new Set(leavesOf(condition).flatMap((leaf) => ('field' in leaf ? [leaf.field] : [])))
}
