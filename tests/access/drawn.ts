import { and, buildPermissionSet, compare, numberPermissions, type Condition, type Facts } from '@plinth/core'
// The parts themselves, which no package exports: they are compared without the stages around them.
import { aclMasks, type AclEntry, type AclSaying } from '../../packages/core/src/policy/acl.ts'
import { Decisions } from '../../packages/core/src/policy/decisions.ts'
import { rolesOf, type Policy, type World } from './oracle.ts'
import { ACTIONS, ALWAYS, FIELD, MODEL } from './worlds.ts'

export const numbers = numberPermissions([
  { name: MODEL, verbs: ACTIONS },
  { name: FIELD, verbs: ['read', 'update'] },
])

/** What people, groups and rows of a world are called where the decision is made. */
export interface Names {
  readonly people: readonly string[]
  readonly groups: readonly string[]
  readonly rows: readonly string[]
}

/** What the tenant stage draws of a member. */
export function drawn(
  world: World,
  person: number,
  names: Names,
): { readonly decisions: Decisions; readonly facts: Facts } {
  const groups = world.people[person]!.groups.map((group) => names.groups[group]!)
  const id = names.people[person]!
  const roles = rolesOf(world, person)
  const permissions = roles
    .flatMap((role) => world.roles[role] ?? [])
    .map(({ model, action, scope }) => `${model}:${action}:${scope}`)
  const subjects = [`user:${id}`, ...groups.map((group) => `group:${group}`), ...roles.map((role) => `role:${role}`)]
  const said = sayingsOf(world, names).filter(({ subject }) => subjects.includes(subject))
  const bearer = {
    roles: buildPermissionSet(numbers, permissions).set,
    subjects,
    always: roles.includes(ALWAYS) ? ('everything' as const) : new Set<string>(),
    acl: aclMasks(numbers, said),
  }
  const policies = (number: number): Condition =>
    and(...world.policies.filter((policy) => bears(policy, numbers.names[number]!)).map(conditionOf))
  return {
    decisions: new Decisions(numbers, [bearer], policies),
    facts: { principalId: id, userId: id, groupIds: groups },
  }
}

function bears({ model, action }: Policy, name: string): boolean {
  const [ofModel, ofAction] = name.split(':')
  return (model === '*' || model === ofModel) && (action === '*' || action === ofAction)
}

const conditionOf = ({ field, op, value }: Policy): Condition => compare(field, op, value)

/** As the summary of a subject says it. */
function sayingsOf(world: World, names: Names): readonly AclSaying[] {
  return world.entries.map((entry, at) => ({
    ...entry,
    subject: subjectIn(entry.subject, names),
    everything: entry.row === null,
    // Said of some: it changes how a list is read, and nothing that it holds.
    many: at % 2 === 1,
  }))
}

/** Entries of single rows, as they settle a condition in memory. */
export function entriesOf(world: World, names: Names): readonly AclEntry[] {
  return world.entries
    .filter(({ row }) => row !== null)
    .map((entry, at) => ({
      ...entry,
      id: String(at),
      recordId: names.rows[entry.row!]!,
      subject: subjectIn(entry.subject, names),
    }))
}

function subjectIn(subject: string, { people, groups }: Names): string {
  const [kind = '', which = ''] = subject.split(':')
  const id = kind === 'user' ? people[Number(which)] : kind === 'group' ? groups[Number(which)] : which
  return `${kind}:${id}`
}
