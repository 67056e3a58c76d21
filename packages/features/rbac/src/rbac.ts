import type { Feature, Platform } from '@plinth/core'
import { roleFaults, type RoleDefinition } from './built-in-roles.ts'
import { CustomRoles, namesWithin, rolesWithin } from './custom-roles.ts'
import { DefinitionsOf } from './definitions.ts'
import { explainRoute } from './explain-route.ts'
import { userSource } from './member-principals.ts'
import { migrations } from './migrations.ts'
import { permissionResource } from './permission-resource.ts'
import { roleResource } from './role-resource.ts'
import { rolePermissions } from './tables.ts'
import { roleFault } from './role-fault.ts'
import { userRoleResource } from './user-role-resource.ts'
import { userRoleRoutes } from './user-role-routes.ts'

export interface RbacOptions {
  /**
   * Roles of the product, the same in every tenant: new ones, or what `developer`, `user` and `read_only` mean here. What an owner and
   * an admin may do is not for the product to say.
   */
  readonly roles?: Readonly<Record<string, RoleDefinition>>
}

/**
 * What members may do: roles that are built in, roles of each tenant, and who has which. Fills the port `Roles` of the core. One
 * object belongs to one platform.
 */
export function rbac(options: RbacOptions = {}): Feature {
  const definitions = new DefinitionsOf(options.roles ?? {})
  let started: Platform | undefined
  const platform = (): Platform => {
    if (!started) throw new Error('rbac() belongs to no platform yet')
    return started
  }
  return {
    name: 'rbac',
    resources: [roleResource(definitions), permissionResource(definitions), userRoleResource()],
    tables: [rolePermissions],
    migrations,
    travels: {
      'plinth.roles': {
        leaves: ['built_in'],
        refuses: (_platform, row) => roleFault(definitions, row),
      },
      'plinth.permissions': { leaves: ['built_in'] },
      'plinth.role_permissions': { stays: 'made anew from the roles, by the database' },
    },
    routes: ({ registry }) => [...userRoleRoutes(registry, () => definitions.known), explainRoute],
    verify(registry) {
      definitions.read(registry)
      return roleFaults(definitions.own, registry)
    },
    start(given) {
      started = given
    },
    slots: {
      roles(given) {
        const custom = new CustomRoles(given.database)
        definitions.custom = custom
        const { rights } = definitions.known
        return {
          ...rights.port((tenantId, role) => custom.find(tenantId, role)),
          within: (system) => rights.port(rolesWithin(system), namesWithin(system)),
        }
      },
      principals: [userSource(platform)],
    },
  }
}
