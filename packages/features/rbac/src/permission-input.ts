import { scopes } from '@plinth/core'
import { z } from 'zod'
import type { DefinitionsOf } from './definitions.ts'
import { faultOf } from './known-permissions.ts'
import { canonicalText } from './spelling.ts'

const MOST_PERMISSIONS = 500

const part = z.string().min(1).max(200)
const scope = z.enum(scopes).optional().describe('Default: all')

/** The ways in which a permission may be written. */
export const permissionSpelling = z.union(
  [
    z.string().max(200).describe('model:action:scope, or Model.action'),
    z.strictObject({ action: part, resource: part, scope }),
    z.strictObject({ model: part, action: part, scope }),
  ],
  'Expected a permission: model:action:scope, { action, resource } or { model, action, scope }',
)

/** Each is known, whichever way it is written; what is stored is text. */
export function permissionList(definitions: DefinitionsOf): z.ZodType<readonly string[]> {
  return z
    .array(permissionSpelling)
    .max(MOST_PERMISSIONS)
    .superRefine((list, context) => {
      const { permissions, nameModel } = definitions.known
      for (const [at, given] of list.entries()) {
        const message = faultOf(permissions, nameModel, given)
        if (message !== undefined)
          context.addIssue({ code: 'custom', path: [at], message, params: { code: 'unknown_permission' } })
      }
    })
    .transform((list) => list.flatMap((given) => canonicalText(given, definitions.known.nameModel) ?? []))
    .meta({
      description: 'Permissions as model:action:scope, as Model.action, or as objects; they are stored as text',
      examples: [
        ['role:read', 'permission:read:own'],
        ['Role.read', { action: 'read', resource: 'roles', scope: 'own' }],
        ['*:read:own'],
      ],
    })
}
