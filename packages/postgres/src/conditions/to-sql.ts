import { holds, type Condition, type ConditionRow, type Facts, type ResourceInfo } from '@plinth/core'
import type { Statement } from '../statements/statement.ts'
import { printListed, type AskedOf } from './print-listed.ts'
import { printCondition } from './print-condition.ts'

/** A fact is the same for every row, and asks none. */
const noRow: ConditionRow = { value: () => null, kind: () => 'text' }

/**
 * A condition as a part of a where clause over an alias. Every value and fact is a parameter of `statement`.
 * @param of where each row is named by its id, what is said of single rows is looked up for that one
 * @example toSql(compareFact('ownerUserId', 'eq', 'userId'), …) → (p."owner_user_id" = $4::uuid)
 */
export function toSql(
  condition: Condition,
  resource: ResourceInfo,
  facts: Facts,
  statement: Statement,
  alias = 'p',
  of: AskedOf = 'rows',
): string {
  if (condition.kind === 'always') return 'true'
  return printCondition(condition, {
    resource,
    prefix: `${alias}.`,
    text: (value) => statement.add(value),
    fact: (name) => ({ known: facts[name] }),
    groups: { known: facts.groupIds },
    truth: (asked) => holds(asked, noRow, facts),
    listed: (asked) => printListed(asked, resource, statement, alias, of),
  })
}
