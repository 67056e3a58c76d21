import type { PermissionNumbers, Registry } from '@plinth/core'
import { builtInRoles, reservedNames, type BuiltInRole } from './built-in-roles.ts'
import type { CustomRoles } from './custom-roles.ts'
import type { Declared } from './declared-roles.ts'
import { modelNames } from './model-names.ts'
import { RoleRights } from './role-rights.ts'
import type { NameModel } from './spelling.ts'

/** What one platform knows of roles and permissions, once it is put together. */
export interface Definitions {
  readonly permissions: PermissionNumbers
  /** What words for models stand for here. */
  readonly nameModel: NameModel
  readonly builtIn: readonly BuiltInRole[]
  readonly rights: RoleRights
}

/**
 * Holds the definitions of the one platform that a feature belongs to. Schemas and hooks of resources are made before there is a
 * registry, and ask here when they are used.
 */
export class DefinitionsOf {
  readonly declared: Declared
  readonly reserved: ReadonlySet<string>
  /** Undefined until the platform is started. */
  custom: CustomRoles | undefined
  #known: Definitions | undefined

  constructor(declared: Declared) {
    this.declared = declared
    this.reserved = reservedNames(declared.product)
  }

  read(registry: Registry): Definitions {
    const builtIn = builtInRoles(registry, this.declared.product)
    this.#known = {
      permissions: registry.permissions,
      nameModel: modelNames(registry),
      builtIn,
      rights: new RoleRights(registry.permissions, builtIn),
    }
    return this.#known
  }

  get known(): Definitions {
    if (!this.#known) throw new Error('rbac() is asked for roles before its platform is put together')
    return this.#known
  }
}
