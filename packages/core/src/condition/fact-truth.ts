import type { Condition, FactCondition, Facts, Scalar } from './condition.ts'
import { always, and, never, not, or } from './condition.ts'
import type { PolicyFact } from './circumstances.ts'
import { comparison, type Truth } from './comparison.ts'

/** What is known of a fact: a value, several of which each is one, or null. */
export function factOf(fact: PolicyFact, facts: Facts): Scalar | readonly string[] {
  const { circumstances } = facts
  switch (fact) {
    case 'principalId':
    case 'userId':
      return facts[fact]
    case 'group':
      return facts.groupIds
    case 'role':
      return circumstances?.roles ?? null
    default:
      return circumstances?.[fact] ?? null
  }
}

/** Three-valued, as every comparison; of several values `eq` means one of them, `ne` none of them. */
export function factTruth({ fact, op, value }: FactCondition, facts: Facts): Truth {
  const known = factOf(fact, facts)
  if (typeof known !== 'object' || known === null)
    return comparison(op, known, value, typeof value === 'boolean' ? 'boolean' : 'text')
  if (value === null) return null
  const one = known.includes(String(value))
  return op === 'eq' ? one : op === 'ne' ? !one : null
}

/**
 * The condition for one principal in one tenant: what is said of facts is decided, what is said of rows stays. Unknown admits nothing,
 * so it is `never`, and inside of a negation `always`.
 */
export function withFacts(condition: Condition, facts: Facts, negated = false): Condition {
  switch (condition.kind) {
    case 'fact': {
      const truth = factTruth(condition, facts)
      return (truth ?? negated) ? always : never
    }
    case 'not':
      return not(withFacts(condition.of, facts, !negated))
    case 'and':
      return and(...condition.of.map((part) => withFacts(part, facts, negated)))
    case 'or':
      return or(...condition.of.map((part) => withFacts(part, facts, negated)))
    default:
      return condition
  }
}
