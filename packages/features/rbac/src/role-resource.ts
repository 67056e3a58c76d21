import {
  buildPermissionSet,
  defineResource,
  problem,
  type Context,
  type PermissionSet,
  type Resource,
} from '@plinth/core'
import type { DefinitionsOf } from './definitions.ts'
import { permissionList } from './permission-input.ts'
import { ROLE_NAME } from './role-names.ts'
import { readPermissions } from './role-rights.ts'
import { roles } from './tables.ts'

/**
 * Roles: the built-in ones and those that a tenant makes. Who writes one is held to what he may do himself, whichever way he
 * writes: the rules are hooks in the transaction of the write, not checks of a route.
 */
export function roleResource(definitions: DefinitionsOf): Resource {
  const setOf = (permissions: readonly string[]): PermissionSet =>
    buildPermissionSet(definitions.known.permissions, permissions).set
  const refuseMore = (context: Context, permissions: readonly string[], detail: string): void => {
    if (!setOf(permissions).isWithin(context.principal.permissions)) throw problem('permission_denied', { detail })
  }
  const changes = (context: Context, name: string): void => definitions.custom?.changes(context.tenant.id, name)
  return defineResource({
    table: roles,
    name: 'role',
    description: 'What somebody may do who has it; the built-in ones are the same in every tenant',
    fields: {
      name: {
        immutable: true,
        filter: true,
        sort: true,
        search: true,
        description: 'What the role is called where it is given: in memberships, invitations and keys',
        schema: (name) =>
          name
            .regex(ROLE_NAME, 'Expected a lower-case word: letters, digits, _ and -, beginning with a letter')
            .refine((given) => !definitions.reserved.has(given), {
              error: 'This role is built in',
              params: { code: 'reserved' },
            }),
      },
      description: { search: true, schema: (description) => description.max(500) },
      permissions: {
        description: 'model:action:scope, with * for every model or action; without a scope it is all',
        schema: () => permissionList(definitions),
      },
      builtIn: { readOnly: true, filter: true },
    },
    hooks: {
      beforeCreate(context, draft) {
        refuseMore(context, draft.permissions ?? [], 'This role would do more than you may yourself.')
        // Who has kept the name of a role that was deleted (a key, an invitation) has it again at once.
        changes(context, draft.name)
      },
      beforeUpdate(context, row, patch) {
        if (patch.permissions === undefined) return
        // Taking from those who may more than oneself is not his either.
        refuseMore(context, readPermissions(row.permissions), 'This role may do more than you may yourself.')
        refuseMore(context, patch.permissions, 'This role would do more than you may yourself.')
        changes(context, row.name)
      },
      beforeDelete(context, row) {
        refuseMore(context, readPermissions(row.permissions), 'This role may do more than you may yourself.')
        changes(context, row.name)
      },
    },
    builtIn: () =>
      definitions.known.builtIn.map(({ name, description, permissions }) => ({
        key: name,
        values: { name, description, permissions: JSON.stringify(permissions) },
      })),
  }) as unknown as Resource
}
