import {
  buildPermissionSet,
  nearestNames,
  PermissionSet,
  type AlwaysAllowed,
  type PermissionNumbers,
  type Roles,
} from '@plinth/core'
import type { BuiltInRole } from './built-in-roles.ts'
import type { FindRole, RoleNames } from './custom-roles.ts'

const nowhere: ReadonlySet<string> = new Set()

/** Sets that were made: a platform has few roles, and tenants copy each other's. */
const MOST_SETS = 2_000

/**
 * What roles may do. A set is kept under the very texts that it was made of, so it can be used again but never be out of date: a role
 * that changes is another text.
 */
export class RoleRights {
  readonly #numbers: PermissionNumbers
  readonly #builtIn: ReadonlyMap<string, BuiltInRole>
  readonly #order: readonly string[]
  readonly #made = new Map<string, PermissionSet>()

  constructor(numbers: PermissionNumbers, builtIn: readonly BuiltInRole[]) {
    this.#numbers = numbers
    this.#builtIn = new Map(builtIn.map((role) => [role.name, role]))
    this.#order = builtIn.map((role) => role.name)
  }

  /** The port of the core, with the roles of tenants found that way. Built-in roles need no database. */
  port(find: FindRole, names?: RoleNames): Roles {
    const custom = (roles: readonly string[]): readonly string[] => roles.filter((role) => !this.#builtIn.has(role))
    return {
      permissionsOf: (tenantId, roles) => {
        const own = custom(roles)
        if (own.length === 0) return this.#setOf(roles, [])
        return Promise.all(own.map((role) => find(tenantId, role))).then((texts) =>
          this.#setOf(
            roles,
            texts.filter((text) => text !== undefined),
          ),
        )
      },
      unknown: (tenantId, roles) => {
        const own = custom(roles)
        if (own.length === 0) return []
        return Promise.all(own.map((role) => find(tenantId, role))).then((texts) =>
          own.filter((_, at) => texts[at] === undefined),
        )
      },
      // A slip of the finger, no more: what is offered must not tell how the names of a tenant are made.
      nearest: async (tenantId, role) =>
        nearestNames(role.slice(0, 64), [...this.#order, ...((await names?.(tenantId)) ?? [])], 2),
      alwaysAllowed: (roles) => this.#alwaysAllowed(roles),
      rank: (roles) =>
        [...roles].sort((left, right) => this.#weightOf(left) - this.#weightOf(right) || (left < right ? -1 : 1)),
    }
  }

  #alwaysAllowed(roles: readonly string[]): AlwaysAllowed {
    let allowed: AlwaysAllowed = nowhere
    for (const role of roles) {
      const own = this.#builtIn.get(role)?.always ?? nowhere
      if (own === 'everything' || own.size === 0) {
        if (own === 'everything') return own
        continue
      }
      allowed = new Set([...(allowed as ReadonlySet<string>), ...own])
    }
    return allowed
  }

  #setOf(roles: readonly string[], texts: readonly string[]): PermissionSet {
    const builtIn = roles.filter((role) => this.#builtIn.has(role))
    const key = JSON.stringify([builtIn, texts])
    const known = this.#made.get(key)
    if (known) return known
    let set = PermissionSet.none
    for (const role of builtIn) set = set.union(this.#builtIn.get(role)!.set)
    for (const text of texts) set = set.union(buildPermissionSet(this.#numbers, readPermissions(JSON.parse(text))).set)
    if (this.#made.size >= MOST_SETS) this.#made.clear()
    this.#made.set(key, set)
    return set
  }

  /** A tenant's own roles stand between those who work on the product and those who only use it. */
  #weightOf(role: string): number {
    const place = this.#order.indexOf(role)
    const custom = this.#order.indexOf('user') - 0.5
    return place < 0 ? custom : place
  }
}

/** What is stored, as far as it may be read: what is no list of texts gives no right. */
export function readPermissions(stored: unknown): readonly string[] {
  return Array.isArray(stored) ? stored.filter((one): one is string => typeof one === 'string') : []
}
