import { always, compareFact, inGroups, never, or, type Condition } from '../condition/condition.ts'
import { isFieldModel } from '../fields/field-permission.ts'
import { parsePermission, scopes, type Permission, type PermissionScope } from './permission.ts'
import type { Permissions } from './permissions.ts'

const bits: Readonly<Record<PermissionScope, number>> = { all: 1, group: 2, own: 4 }

// One condition object per combination of scopes, made once: the data stage compares them by identity.
const conditions: readonly Condition[] = Array.from({ length: 8 }, (_, mask) =>
  mask === 0
    ? never
    : mask & bits.all
      ? always
      : or(
          ...(mask & bits.group ? [inGroups('ownerGroupId')] : []),
          ...(mask & bits.own ? [compareFact('ownerUserId', 'eq', 'userId')] : []),
        ),
)

/** `all` holds every scope: what is left is what the other one says. */
function narrower(left: number, right: number): number {
  if (left & bits.all) return right
  return right & bits.all ? left : left & right
}

/** Scopes of one permission as a number. */
export const scopeMask = { everything: bits.all, narrower } as const

export function scopesOf(mask: number): readonly PermissionScope[] {
  return scopes.filter((scope) => (mask & bits[scope]) !== 0)
}

/** Whether `left` admits no row that `right` does not. Beside `all` the other scopes say nothing: `site:read` holds `site:read:own`. */
function covers(right: number, left: number): boolean {
  return (right & bits.all) !== 0 || (left & ~right) === 0
}

/** Numbers for every `model:action` there is, so that a decision is one array read (8 ns) instead of a search. */
export interface PermissionNumbers {
  readonly names: readonly string[]
  numberOf(model: string, action: string): number | undefined
  /** Model and action of a number that there is. */
  partsOf(permission: number): readonly [model: string, action: string]
  /** The actions of a model with their numbers; none of a model that there is not. */
  ofModel(model: string): readonly (readonly [action: string, permission: number])[]
}

export function numberPermissions(
  models: readonly { readonly name: string; readonly verbs: readonly string[] }[],
): PermissionNumbers {
  const names = models.flatMap((model) => model.verbs.map((verb) => `${model.name}:${verb}`))
  const parts = names.map((name) => {
    const [model = '', action = ''] = name.split(':')
    return [model, action] as const
  })
  // Looked up part by part: a key put together for each question, and hashed, took 390 ns where this takes about 50.
  const byModel = new Map<string, Map<string, number>>()
  for (const [number, [model, action]] of parts.entries()) {
    const actions = byModel.get(model) ?? new Map<string, number>()
    byModel.set(model, actions.set(action, number))
  }
  return {
    names,
    numberOf: (model, action) => byModel.get(model)?.get(action),
    partsOf: (permission) => parts[permission]!,
    ofModel: (model) => [...(byModel.get(model) ?? [])],
  }
}

/** What roles allow: a mask of scopes by permission number, built once per set of roles. */
export class PermissionSet implements Permissions {
  readonly #masks: Uint8Array

  constructor(masks: Uint8Array) {
    this.#masks = masks
  }

  /** The rows for which the permission is held; `never` when it is not held at all. */
  condition(permission: number): Condition {
    return conditions[this.#masks[permission] ?? 0]!
  }

  narrowing(): Condition {
    return always
  }

  scopes(permission: number): readonly PermissionScope[] {
    return scopesOf(this.mask(permission))
  }

  /** The scopes as a number. */
  mask(permission: number): number {
    return this.#masks[permission] ?? 0
  }

  holds(permission: number): boolean {
    return this.mask(permission) !== 0
  }

  beforePolicies(permission: number): Condition {
    return this.condition(permission)
  }

  everywhere(permission: number): boolean {
    return (this.mask(permission) & bits.all) !== 0
  }

  get roles(): PermissionSet {
    return this
  }

  get grantable(): PermissionSet {
    return this
  }

  /** What both allow. Of two scopes that differ (`own` and `group`) neither holds. */
  within(other: PermissionSet): PermissionSet {
    return new PermissionSet(this.#masks.map((mask, permission) => narrower(mask, other.#masks[permission] ?? 0)))
  }

  /** Whether whoever has the other ones may give all of these to somebody. */
  isWithin(other: Pick<Permissions, 'grantable'>): boolean {
    const { grantable } = other
    return this.#masks.every((mask, permission) => covers(grantable.mask(permission), mask))
  }

  /** The same without certain permissions. */
  without(taken: (permission: number) => boolean): PermissionSet {
    return new PermissionSet(this.#masks.map((mask, permission) => (mask !== 0 && taken(permission) ? 0 : mask)))
  }

  /** What either allows. */
  union(other: PermissionSet): PermissionSet {
    const [longer, shorter] =
      this.#masks.length < other.#masks.length ? [other.#masks, this.#masks] : [this.#masks, other.#masks]
    return new PermissionSet(longer.map((mask, permission) => mask | (shorter[permission] ?? 0)))
  }

  static readonly none = new PermissionSet(new Uint8Array(0))
}

/**
 * Whether a permission speaks of a model. A wildcard means whole rows: a restricted field (`employee.salary`) was taken out of what
 * reading employees means, so neither `employee:*` nor `*:read` brings it back. All of everything (`*`) does, in whichever scope.
 */
function means({ model: wanted, action }: Permission, model: string): boolean {
  if (wanted !== '*') return wanted === model
  return action === '*' || !isFieldModel(model)
}

/**
 * Builds the mask of a list of permissions. Unknown ones are returned, not ignored: a mistyped permission that silently
 * means "no" is found by a customer, one that means "yes" by an attacker.
 */
export function buildPermissionSet(
  numbers: PermissionNumbers,
  permissions: readonly string[],
): { readonly set: PermissionSet; readonly unknown: readonly string[] } {
  const masks = new Uint8Array(numbers.names.length)
  const unknown: string[] = []
  for (const text of permissions) {
    const permission = parsePermission(text)
    let matched = false
    if (permission) {
      numbers.names.forEach((name, number) => {
        const [model, action] = name.split(':')
        if (!means(permission, model!)) return
        if (permission.action !== '*' && permission.action !== action) return
        masks[number]! |= bits[permission.scope]
        matched = true
      })
    }
    // `*` holds for whatever there is, also for nothing yet.
    if (!matched && !(permission?.model === '*' && permission.action === '*')) unknown.push(text)
  }
  return { set: new PermissionSet(masks), unknown }
}
