import type { Condition, Facts } from '../condition/condition.ts'
import { explain, type Explanation } from '../condition/explain.ts'
import type { ExplainedEntry } from '../policy/acl.ts'
import type { RawRow } from '../ports/database.ts'
import { fieldOf, type FieldInfo, type ResourceInfo } from './resource-info.ts'

/** Whose value no explanation, log line or message may hold. */
export function isConfidential(field: FieldInfo): boolean {
  return field.secret || field.hidden || field.readRestricted || field.personal !== undefined
}

/**
 * Explains a condition over a resource in words: over one stored row, or (without one) the rule itself. Values of secret, hidden,
 * restricted and personal fields are withheld.
 * @param entries of the ACL that name the row, where the condition asks it (`entriesFor`)
 * @param facts of the principal that asks; without them a rule about the asker depends on who asks
 */
export function explainFor(
  resource: ResourceInfo,
  condition: Condition,
  facts?: Facts,
  row?: RawRow,
  entries?: readonly ExplainedEntry[],
): Explanation {
  return explain(condition, {
    facts,
    entries,
    value: row && ((name) => row[name]),
    field: (name) => {
      const field = fieldOf(resource, name)
      return { kind: field.kind.compares, confidential: isConfidential(field) }
    },
  })
}
