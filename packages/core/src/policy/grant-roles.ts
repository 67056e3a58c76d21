import type { Principal } from '../auth/principal.ts'
import { problem } from '../errors/plinth-error.ts'
import type { Platform } from '../platform/platform.ts'
import { nowhereAlways } from './decisions.ts'
import type { Roles } from './roles.ts'

/** The role that a tenant never lacks. Only an owner makes another one: an admin could otherwise remove those above him. */
export const OWNER = 'owner'

/**
 * Only people own a tenant: the last owner is counted among them, and a group that is emptied or a service whose keys are lost would
 * leave nobody who could make another one.
 * @param path where the roles stood in the input
 * @throws validation_failed
 */
export function refuseOwning(roles: readonly string[], path = '/roles'): void {
  if (!roles.includes(OWNER)) return
  const message = 'Only people can be owners: groups and service accounts get another role, such as admin'
  throw problem('validation_failed', { errors: [{ path, code: 'people_only', message }] })
}

/**
 * Whether this principal may give these roles to somebody, or to a key: nobody gives what he has not got himself, in the same
 * scope. An unknown role is a fault of the input; stored in silence, it would mean something on the day when somebody defines it.
 * @param path where the roles stood in the input: `/roles`
 * @throws validation_failed, permission_denied
 */
export async function refuseGrant(
  platform: Pick<Platform, 'roles'>,
  principal: Pick<Principal, 'kind' | 'permissions' | 'roles'>,
  tenantId: string,
  roles: readonly string[],
  path = '/roles',
): Promise<void> {
  const unknown = await platform.roles.unknown(tenantId, roles)
  if (unknown.length > 0) {
    const errors = await Promise.all(
      unknown.map(async (role) => {
        const nearest = (await platform.roles.nearest?.(tenantId, role)) ?? []
        const words = nearest.length > 0 ? `; nearest: ${nearest.join(', ')}` : ''
        return { path, code: 'unknown_role', message: `There is no role '${role.slice(0, 64)}'${words}` }
      }),
    )
    throw problem('validation_failed', { errors })
  }
  if (principal.kind === 'system') return
  if (roles.includes(OWNER) && !principal.roles?.includes(OWNER))
    throw problem('permission_denied', { detail: 'Only an owner makes another owner.' })
  const given = await platform.roles.permissionsOf(tenantId, roles)
  if (!given.isWithin(principal.permissions))
    throw problem('permission_denied', { detail: 'These roles may do more than you may yourself.' })
  if (!alwaysWithin(platform.roles, roles, principal.roles ?? []))
    throw problem('permission_denied', {
      detail: 'No entry of the ACL can deny these roles anything, and of yours that is not so.',
    })
}

/** Whether on every model where nothing can be denied to those roles, nothing can be denied to these. */
export function alwaysWithin(port: Roles, theirs: readonly string[], mine: readonly string[]): boolean {
  const given = port.alwaysAllowed?.(theirs) ?? nowhereAlways
  const own = port.alwaysAllowed?.(mine) ?? nowhereAlways
  if (own === 'everything') return true
  return given !== 'everything' && [...given].every((model) => own.has(model))
}
