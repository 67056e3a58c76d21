/*
 * Who may do what, said once more by something that knows no masks, conditions or SQL: people, their groups and roles, a list of
 * entries, and one question about one row. It is compared with what the platform decides.
 */

export type Scope = 'all' | 'group' | 'own'
export interface Grant {
  readonly model: string
  readonly action: string
  readonly scope: Scope
}
export interface Entry {
  readonly model: string
  readonly action: string
  /** Null is every row. */
  readonly row: number | null
  readonly subject: string
  readonly effect: 'allow' | 'deny'
}
/** `model:action`, each possibly `*`; admits rows whose field stands so to the value, and no row whose field is null. */
export interface Policy {
  readonly model: string
  readonly action: string
  readonly field: 'status' | 'amount'
  readonly op: 'eq' | 'ne' | 'lt' | 'gte'
  readonly value: string | number
}
export interface Row {
  readonly owner: number | null
  readonly group: number | null
  readonly status: string
  readonly amount: number | null
}
export interface Person {
  readonly groups: readonly number[]
  readonly roles: readonly string[]
}
export interface World {
  readonly people: readonly Person[]
  readonly rolesOfGroups: readonly (readonly string[])[]
  readonly roles: Readonly<Record<string, readonly Grant[]>>
  readonly alwaysAllow: readonly string[]
  readonly entries: readonly Entry[]
  readonly policies: readonly Policy[]
  readonly rows: readonly Row[]
}

const matches = (pattern: { readonly model: string; readonly action: string }, model: string, action: string) =>
  (pattern.model === '*' || pattern.model === model) && (pattern.action === '*' || pattern.action === action)

export function rolesOf(world: World, person: number): readonly string[] {
  const { groups, roles } = world.people[person]!
  return [...new Set([...roles, ...groups.flatMap((group) => world.rolesOfGroups[group]!)])]
}

/** May this person do this to this row? */
export function may(world: World, person: number, model: string, action: string, at: number): boolean {
  const row = world.rows[at]!
  const { groups } = world.people[person]!
  const roles = rolesOf(world, person)
  const narrowed = world.policies.filter((policy) => matches(policy, model, action))
  if (!narrowed.every((policy) => admits(policy, row))) return false
  if (roles.some((role) => world.alwaysAllow.includes(role))) return true
  const subjects = [
    `user:${person}`,
    ...groups.map((group) => `group:${group}`),
    ...roles.map((role) => `role:${role}`),
  ]
  const said = world.entries.filter(
    (entry) =>
      subjects.includes(entry.subject) && matches(entry, model, action) && (entry.row === null || entry.row === at),
  )
  if (said.some(({ effect }) => effect === 'deny')) return false
  const granted = roles
    .flatMap((role) => world.roles[role] ?? [])
    .some(
      (grant) =>
        matches(grant, model, action) &&
        // A restricted field is given by its own name, or by all of everything.
        (grant.model === model || grant.action === '*' || !model.includes('.')) &&
        (grant.scope === 'all' ||
          (grant.scope === 'own' && row.owner === person) ||
          (grant.scope === 'group' && row.group !== null && groups.includes(row.group))),
    )
  return granted || said.length > 0
}

function admits({ field, op, value }: Policy, row: Row): boolean {
  const found = row[field]
  if (found === null) return false
  if (op === 'eq') return found === value
  if (op === 'ne') return found !== value
  return op === 'lt' ? found < value : found >= value
}
