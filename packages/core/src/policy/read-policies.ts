import { factNames } from '../condition/circumstances.ts'
import type { Condition, FactCondition } from '../condition/condition.ts'
import { fieldsAsked, leavesOf } from '../condition/leaves.ts'
import { nearestNames } from '../errors/nearest-names.ts'
import type { StartupFault } from '../errors/startup-error.ts'
import { isFieldModel } from '../fields/field-permission.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'
import type { PermissionNumbers } from './permission-set.ts'
import type { Policy } from './policy.ts'

/** Policies by the permissions that they narrow. */
export type Policies = ReadonlyMap<number, readonly Policy[]>

/** What a new row has before it is written. */
const ofNewRows: readonly string[] = ['ownerUserId', 'ownerGroupId']

/** What the platform has, for policies to speak of. */
interface Known {
  readonly permissions: PermissionNumbers
  readonly resources: readonly ResourceInfo[]
}

/**
 * Settles the policies of the product and of features, in the order of their names. Everything that is wrong is told: an action or a
 * field that there is not would be a rule that never holds, and nobody would notice.
 */
export function readPolicies(given: readonly Policy[], known: Known, faults: StartupFault[]): Policies {
  const policies = new Map<number, Policy[]>()
  const names = new Set<string>()
  for (const policy of [...given].sort((left, right) => (left.name < right.name ? -1 : 1))) {
    const add = (problem: string, fix: string): void =>
      void faults.push({ path: `policy '${policy.name}'`, problem, fix })
    if (policy.name.trim() === '' || policy.name.length > 100)
      add('has no usable name', "policy({ name: 'exports need the plan pro', … })")
    if (names.has(policy.name)) add('is given twice', 'give each policy a name of its own')
    names.add(policy.name)
    const numbers = [...new Set(policy.actions.flatMap((action) => matching(known.permissions, action, add)))]
    for (const number of numbers) policies.set(number, [...(policies.get(number) ?? []), policy])
    verifyFacts(policy.when, add)
    verifyFields(policy.when, numbers, known, add)
  }
  return policies
}

type Add = (problem: string, fix: string) => void

function matching(permissions: PermissionNumbers, action: string, add: Add): readonly number[] {
  const [model = '', verb = '*', ...rest] = action.split(':')
  const found = [...permissions.names.keys()].filter((number) => {
    const [ofModel, ofVerb] = permissions.partsOf(number)
    // Whoever gets at a restricted field must get at the row first, and is narrowed there.
    return (model === '*' ? !isFieldModel(ofModel) : model === ofModel) && (verb === '*' || verb === ofVerb)
  })
  if (found.length > 0 && rest.length === 0) return found
  const near = nearestNames(action, permissions.names)
  add(
    `'${action}' is no action`,
    near.length > 0 ? `nearest: ${near.join(', ')}` : "action: 'site:update', 'site:*' or '*:delete'",
  )
  return []
}

function verifyFacts(when: Condition, add: Add): void {
  for (const leaf of leavesOf(when)) {
    if (leaf.kind === 'listed') add('asks the ACL, which has its own place in the order', 'drop listed(…)')
    if (leaf.kind === 'fact') verifyFact(leaf, add)
  }
}

function verifyFact({ fact, op, value }: FactCondition, add: Add): void {
  const equality = op === 'eq' || op === 'ne'
  if (!factNames.includes(fact)) {
    const near = nearestNames(String(fact), factNames)
    const fix = near.length > 0 ? `nearest: ${near.join(', ')}` : `use one of: ${factNames.join(', ')}`
    add(`'${String(fact)}' is no fact`, fix)
  } else if (value === null) add(`compares ${fact} with null, which is never true`, 'compare it with a value')
  else if ((fact === 'role' || fact === 'group') && !equality)
    add(`of ${fact} there may be several, which have no order`, `factIs('${fact}', 'eq', …)`)
  else if (fact === 'secondFactor' && (typeof value !== 'boolean' || !equality))
    add('secondFactor is true or false', "factIs('secondFactor', 'eq', true)")
}

function verifyFields(when: Condition, numbers: readonly number[], { permissions, resources }: Known, add: Add): void {
  const fields = fieldsAsked(when)
  const models = new Set(numbers.map((number) => permissions.partsOf(number)[0].split('.')[0]!))
  const creating = numbers.find((number) => permissions.partsOf(number)[1] === 'create')
  for (const field of fields) {
    for (const model of models) {
      const resource = resources.find(({ name }) => name === model)
      if (resource?.byKey.has(field)) continue
      const near = nearestNames(field, resource ? [...resource.byKey.keys()] : [])
      add(
        resource ? `'${field}' is no field of ${model}` : `${model} is about no rows, and has no field '${field}'`,
        near.length > 0 ? `nearest: ${near.join(', ')}` : 'name the actions of models that have it',
      )
    }
    if (creating !== undefined && !ofNewRows.includes(field))
      add(
        `asks ${permissions.names[creating]!} for '${field}' of a row that is not there yet`,
        `name the other actions one by one, or ask facts and ${ofNewRows.join(' and ')} alone`,
      )
  }
}
