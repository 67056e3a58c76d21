import type { Condition } from '../condition/condition.ts'

/** A rule in code that takes something away from everybody, whatever roles and the ACL say. */
export interface Policy {
  /** What it is called in explanations: `pro plan for exports`. Unique. */
  readonly name: string
  /** `site:update`, `site:*`, `*:delete`, `*`; or several. */
  readonly actions: readonly string[]
  /** Where it holds, the action stays allowed. Unknown is no. */
  readonly when: Condition
}

/** A policy as one writes it. */
export interface PolicyFacts {
  readonly name: string
  readonly action: string | readonly string[]
  readonly when: Condition
}

/**
 * Narrows an action for everybody, those with an always-allowed role among them; `asSystem` alone is above it.
 * @param facts.when a condition over fields of the row, facts about the principal and facts about the tenant (`factIs`). Of rows that
 * are there: what is asked of `create` is about facts and owners alone
 * @example policy({ name: 'exports need the plan pro', action: 'site:export', when: factIs('tenantPlan', 'eq', 'pro') })
 */
export function policy({ name, action, when }: PolicyFacts): Policy {
  return { name, actions: typeof action === 'string' ? [action] : action, when }
}
