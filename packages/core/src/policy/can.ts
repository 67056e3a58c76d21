import type { Principal } from '../auth/principal.ts'
import { nearestNames } from '../errors/nearest-names.ts'
import type { PermissionNumbers } from './permission-set.ts'

/**
 * May this principal do this on any row at all?
 * @param permission `site:update`, without a scope
 * @throws Error for a permission there is none, with the nearest names: a guard that was mistyped must not be a silent no
 */
export function can(
  permissions: PermissionNumbers,
  principal: Pick<Principal, 'permissions'>,
  permission: string,
): boolean {
  const [model = '', verb = '', ...rest] = permission.split(':')
  const number = rest.length === 0 ? permissions.numberOf(model, verb) : undefined
  if (number === undefined)
    throw new Error(`there is no permission ${permission}: ${nearestPermissions(permissions, permission)}`)
  return principal.permissions.holds(number)
}

/** What may have been meant, in words. */
export function nearestPermissions(permissions: PermissionNumbers, permission: string): string {
  const names = nearestNames(permission, permissions.names)
  return names.length > 0
    ? `one of ${names.join(', ')}`
    : 'write it as resource:verb; plinth.routes has all that routes ask for'
}
