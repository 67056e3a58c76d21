import { always, and, listed, never, not, or, type Condition } from '../condition/condition.ts'
import { aclBits, type AclMasks } from './acl.ts'
import { type PermissionSet, scopeMask, scopesOf, type PermissionNumbers } from './permission-set.ts'
import type { PermissionScope } from './permission.ts'
import type { Permissions } from './permissions.ts'

/** One bearer of rights: a member with his roles and groups, or a key with its own. */
export interface Bearer {
  readonly roles: PermissionSet
  /** What entries of the ACL say of it, by permission number. */
  readonly acl: AclMasks
  /** As which it is named in entries of the ACL. */
  readonly subjects: readonly string[]
  /** Models on which a role of it may do everything, whatever the ACL says. */
  readonly always: AlwaysAllowed
}

/** `everything`, or the models; empty for nearly everybody. */
export type AlwaysAllowed = 'everything' | ReadonlySet<string>

export const nowhereAlways: AlwaysAllowed = new Set()

/**
 * May this bearer, and on which rows? In this order: a role that is always allowed; a denial by the ACL; the scopes of his roles; an
 * allowance by the ACL. Of several bearers (a key and the member whose it is) each must admit the row. Policies take away from what is
 * left, from everybody.
 *
 * Each permission is decided once and kept, so asking again is one read of an array.
 */
export class Decisions implements Permissions {
  readonly #numbers: PermissionNumbers
  readonly #bearers: readonly Bearer[]
  readonly #policies: (permission: number) => Condition
  readonly #decided: Condition[] = []
  #grantable: PermissionSet | undefined

  /** @param policies what they leave of one permission, for this principal in this tenant */
  constructor(
    numbers: PermissionNumbers,
    bearers: readonly Bearer[],
    policies: (permission: number) => Condition = () => always,
  ) {
    this.#numbers = numbers
    this.#bearers = bearers
    this.#policies = policies
  }

  /** Who it is in entries of the ACL, each bearer with all its names. */
  get subjects(): readonly string[] {
    return [...new Set(this.#bearers.flatMap(({ subjects }) => subjects))]
  }

  condition(permission: number): Condition {
    return this.#decided[permission] ?? this.#decide(permission)
  }

  narrowing(permission: number): Condition {
    const denials = this.#bearers.map((bearer) =>
      this.#isAlways(bearer, permission) ? always : this.#undenied(bearer, permission),
    )
    return and(this.#policies(permission), ...denials)
  }

  scopes(permission: number): readonly PermissionScope[] {
    const condition = this.condition(permission)
    if (condition.kind === 'never') return []
    if (condition.kind === 'always') return ['all']
    const masks = this.#bearers.map((bearer) =>
      this.#isAlways(bearer, permission) || bits(bearer, permission) & aclBits.allowAll
        ? scopeMask.everything
        : bearer.roles.mask(permission),
    )
    return scopesOf(masks.reduce(scopeMask.narrower, scopeMask.everything))
  }

  holds(permission: number): boolean {
    return this.condition(permission).kind !== 'never'
  }

  everywhere(permission: number): boolean {
    return this.condition(permission).kind === 'always'
  }

  beforePolicies(permission: number): Condition {
    return and(...new Set(this.#bearers.map((one) => this.#of(one, permission))))
  }

  get roles(): PermissionSet {
    return this.#bearers.map(({ roles }) => roles).reduce((one, other) => one.within(other))
  }

  get grantable(): PermissionSet {
    this.#grantable ??= this.#bearers
      .map((bearer) =>
        bearer.roles.without(
          (permission) => (bits(bearer, permission) & aclBits.denyAll) !== 0 && !this.#isAlways(bearer, permission),
        ),
      )
      .reduce((one, other) => one.within(other))
    return this.#grantable
  }

  #decide(permission: number): Condition {
    // A number that there is not is never: the array must not grow by it.
    if (this.#numbers.names[permission] === undefined) return never
    const decided = and(this.#policies(permission), this.beforePolicies(permission))
    this.#decided[permission] = decided
    return decided
  }

  #of(bearer: Bearer, permission: number): Condition {
    if (this.#isAlways(bearer, permission)) return always
    const said = bits(bearer, permission)
    const held = bearer.roles.condition(permission)
    if (said === 0) return held
    const allowed =
      said & aclBits.allowAll ? always : said & aclBits.allowRows ? this.#listed('allow', bearer, permission) : never
    return and(this.#undenied(bearer, permission), or(held, allowed))
  }

  #undenied(bearer: Bearer, permission: number): Condition {
    const said = bits(bearer, permission)
    if (said & aclBits.denyAll) return never
    return said & aclBits.denyRows ? not(this.#listed('deny', bearer, permission)) : always
  }

  #listed(effect: 'allow' | 'deny', bearer: Bearer, permission: number): Condition {
    const [model, action] = this.#numbers.partsOf(permission)
    return listed(effect, model, action, bearer.subjects, (bits(bearer, permission) & aclBits.allowMany) !== 0)
  }

  #isAlways({ always: allowed }: Bearer, permission: number): boolean {
    return allowed === 'everything' || (allowed.size > 0 && allowed.has(this.#numbers.partsOf(permission)[0]))
  }
}

function bits({ acl }: Bearer, permission: number): number {
  return acl.get(permission) ?? 0
}
