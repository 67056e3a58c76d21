import { scopes } from '@plinth/core'
import { z } from 'zod'

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
