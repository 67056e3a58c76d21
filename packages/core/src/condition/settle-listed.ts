import { concerns, type AclEntry } from '../policy/acl.ts'
import type { Raw, Session } from '../ports/database.ts'
import { oneOf, type Condition, type ListedCondition } from './condition.ts'

/** What the condition asks the ACL. */
export function listedIn(condition: Condition): readonly ListedCondition[] {
  switch (condition.kind) {
    case 'listed':
      return [condition]
    case 'not':
      return listedIn(condition.of)
    case 'and':
    case 'or':
      return condition.of.flatMap(listedIn)
    default:
      return none
  }
}
const none: readonly ListedCondition[] = []

/**
 * The same condition for these rows alone, without a question to the ACL: which of them its entries name was asked, once, in this
 * session. In a transaction that holds the rows locked the answer is as old as the lock. A condition that asks nothing is handed back
 * as it is, and no statement is run.
 */
export async function settleListed(
  session: Pick<Session, 'aclEntries'>,
  condition: Condition,
  ids: readonly Raw[],
): Promise<Condition> {
  const asked = listedIn(condition)
  if (asked.length === 0) return condition
  return settledBy(condition, await entriesFor(session, asked, ids))
}

/** The entries that have a say about these rows. */
export async function entriesFor(
  session: Pick<Session, 'aclEntries'>,
  asked: readonly ListedCondition[],
  ids: readonly Raw[],
): Promise<readonly AclEntry[]> {
  if (asked.length === 0 || ids.length === 0) return []
  return session.aclEntries({
    models: [...new Set(asked.map(({ model }) => model))],
    subjects: [...new Set(asked.flatMap(({ subjects }) => subjects))],
    recordIds: [...new Set(ids.map(String))],
  })
}

/** @param entries those of the rows at hand: of a row that they do not name, nothing is said */
export function settledBy(condition: Condition, entries: readonly AclEntry[]): Condition {
  switch (condition.kind) {
    case 'listed':
      return oneOf(
        'id',
        entries.filter((entry) => concerns(entry, condition)).map(({ recordId }) => recordId),
      )
    case 'not':
      return { kind: 'not', of: settledBy(condition.of, entries) }
    case 'and':
    case 'or':
      return { kind: condition.kind, of: condition.of.map((part) => settledBy(part, entries)) }
    default:
      return condition
  }
}
