import { isDeepStrictEqual } from 'node:util'
import {
  and,
  explainFor,
  isFieldModel,
  never,
  visibleTo,
  type Condition,
  type Permissions,
  type Registry,
  type ResourceInfo,
} from '@plinth/core'
import type { AccessChange, AccessDifference } from './tally.ts'

/** Whether a change can only give, or only take. Where it is not known, rows may be gained and others lost. */
export type Direction = 'wider' | 'narrower' | undefined

/** The resource whose rows a permission is about; `employee` of `employee.salary:read`. */
export function resourceAbout({ permissions, resources }: Registry, permission: number): ResourceInfo | undefined {
  const [name] = permissions.partsOf(permission)[0].split('.')
  return resources.find((resource) => resource.name === name)
}

/** These permissions, and with one that shows rows all others of its model: whoever does not see a row can do nothing with it. */
export function withThoseBehind(registry: Registry, numbers: Iterable<number>): readonly number[] {
  const { permissions } = registry
  const given = [...numbers]
  const all = new Set(given)
  for (const number of given) {
    const [model, verb] = permissions.partsOf(number)
    if (verb !== 'read' || isFieldModel(model)) continue
    for (const [other] of permissions.names.entries())
      if (permissions.partsOf(other)[0].split('.')[0] === model) all.add(other)
  }
  return [...all].sort((left, right) => left - right)
}

/** The rows on which somebody can do it: those for which he may, among those that are there for him. */
export function reachOf(registry: Registry, held: Permissions, number: number): Condition {
  const rule = held.condition(number)
  const resource = resourceAbout(registry, number)
  const [model, verb] = registry.permissions.partsOf(number)
  // A row that is to be made is not looked for.
  if (rule.kind === 'never' || !resource || verb === 'create') return rule
  const reading = registry.permissions.numberOf(resource.name, 'read')!
  // A right to a field shows no row.
  const visible = visibleTo(held, reading, isFieldModel(model) ? never : rule)
  return and(...new Set([visible, rule]))
}

/** What somebody gains and loses, as conditions over rows. Two that say the same in other words are told as changed. */
export function compareAccess(
  registry: Registry,
  numbers: readonly number[],
  before: Permissions,
  after: Permissions,
  known?: Direction,
): AccessDifference {
  const gained: string[] = []
  const lost: string[] = []
  const changes: AccessChange[] = []
  for (const number of numbers) {
    const [left, right] = [reachOf(registry, before, number), reachOf(registry, after, number)]
    if (left === right || isDeepStrictEqual(left, right)) continue
    const direction = known ?? directionOf(left, right)
    if (direction !== 'narrower') gained.push(...inParts(registry, after, number))
    if (direction !== 'wider') lost.push(...inParts(registry, before, number))
    const resource = resourceAbout(registry, number)
    changes.push({
      permission: registry.permissions.names[number]!,
      before: inWords(resource, left),
      after: inWords(resource, right),
    })
  }
  return { gained, lost, changes }
}

function directionOf(before: Condition, after: Condition): Direction {
  if (before.kind === 'never' || after.kind === 'always') return 'wider'
  if (after.kind === 'never' || before.kind === 'always') return 'narrower'
  const [left, right] = [partsIn(before), partsIn(after)]
  if (left.every((part) => right.some((other) => isDeepStrictEqual(part, other)))) return 'narrower'
  return right.every((part) => left.some((other) => isDeepStrictEqual(part, other))) ? 'wider' : undefined
}

const partsIn = (condition: Condition): readonly Condition[] =>
  condition.kind === 'and' ? condition.of.flatMap(partsIn) : [condition]

/** `site:read:own`; without a scope where it is held on single rows alone. */
function inParts({ permissions }: Registry, held: Permissions, number: number): readonly string[] {
  const name = permissions.names[number]!
  const scopes = held.scopes(number)
  return scopes.length === 0 ? [name] : scopes.map((scope) => `${name}:${scope}`)
}

/** `every row`, `no row`, `status is "live"`: as explanations say it, and with what they withhold. */
function inWords(resource: ResourceInfo | undefined, condition: Condition): string {
  if (condition.kind === 'never') return 'no row'
  if (condition.kind === 'always') return 'every row'
  // What is about no rows knows no fields, and no condition but that of a scope.
  if (!resource) return 'in a narrower scope'
  const { tree } = explainFor(resource, condition)
  return tree.parts.length > 1 && /^\(.*\)$/s.test(tree.rule) ? tree.rule.slice(1, -1) : tree.rule
}
