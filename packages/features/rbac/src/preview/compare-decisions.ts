import { isDeepStrictEqual } from 'node:util'
import type { Condition, PermissionNumbers, PermissionScope, PermissionSet } from '@plinth/core'

/** What a change of roles does to somebody: permissions in three parts, in the order of the registry. */
export interface RightsDifference {
  readonly gained: readonly string[]
  readonly lost: readonly string[]
}

/**
 * Compares what may be done before and after. `all` holds the other scopes: who had `site:read:own` and gets `site:read` gains
 * `site:read:all` and loses nothing.
 */
export function compareRights(
  { names }: Pick<PermissionNumbers, 'names'>,
  before: PermissionSet,
  after: PermissionSet,
): RightsDifference {
  const gained: string[] = []
  const lost: string[] = []
  for (const [number, name] of names.entries()) {
    const [left, right] = [before.scopes(number), after.scopes(number)]
    gained.push(...beyond(right, left).map((scope) => `${name}:${scope}`))
    lost.push(...beyond(left, right).map((scope) => `${name}:${scope}`))
  }
  return { gained, lost }
}

/** Scopes of the one that the other does not hold. Beside `all` the others say nothing. */
function beyond(of: readonly PermissionScope[], held: readonly PermissionScope[]): readonly PermissionScope[] {
  if (held.includes('all')) return []
  return of.includes('all') ? ['all'] : of.filter((scope) => !held.includes(scope))
}

/** One permission of which other rows are admitted than before. */
export interface DecisionDifference {
  readonly permission: string
  /** `gained` and `lost`: on no row before, on none after. */
  readonly change: 'gained' | 'lost' | 'changed'
  readonly before: Condition
  readonly after: Condition
}

/** What decides: a set of permissions, or whatever else gives one condition for each. */
export interface Decisions {
  condition(permission: number): Condition
}

/**
 * Compares two sets of decisions, whatever made them: roles, policies over a tenant's plan, both. Conditions are compared as data: two
 * that say the same in other words are told as changed, and none that differ as equal.
 */
export function compareDecisions(
  { names }: Pick<PermissionNumbers, 'names'>,
  before: Decisions,
  after: Decisions,
): readonly DecisionDifference[] {
  return names.flatMap((permission, number): DecisionDifference[] => {
    const [left, right] = [before.condition(number), after.condition(number)]
    if (left === right || isDeepStrictEqual(left, right)) return []
    const change = left.kind === 'never' ? 'gained' : right.kind === 'never' ? 'lost' : 'changed'
    return [{ permission, change, before: left, after: right }]
  })
}
