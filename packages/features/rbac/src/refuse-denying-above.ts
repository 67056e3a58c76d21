import {
  always,
  isUuid,
  refuseAbove,
  refuseGrant,
  type Call,
  type StatementRunner,
  type Transaction,
} from '@plinth/core'
import type { AclSubject } from './acl-subject.ts'
import { namesWithin, rolesWithin } from './custom-roles.ts'
import type { Definitions } from './definitions.ts'

/**
 * Nobody denies anything to those who may do more than he may himself, as nobody suspends them: whoever may share rows could otherwise
 * shut all admins out of them, and they could not take it back.
 * @throws permission_denied
 */
export async function refuseDenyingAbove(
  { platform, request, scope }: Call,
  { rights }: Definitions,
  system: StatementRunner,
  transaction: Transaction,
  { kind, id }: AclSubject,
): Promise<void> {
  const { tenantId } = scope
  const { principal } = request
  switch (kind) {
    case 'user':
      return refuseAbove(platform, system, principal, { tenantId, userId: id })
    case 'group':
      return refuseAbove(platform, system, principal, { tenantId, groupId: id })
    case 'service':
      // One that stands in the configuration has no roles of the tenant.
      if (isUuid(id)) await refuseAbove(platform, system, principal, { tenantId, serviceAccountId: id })
      return
    case 'role':
      return refuseGrant(
        { roles: rights.port(rolesWithin(system), namesWithin(system)) },
        principal,
        tenantId,
        [id],
        '/principal/id',
      )
    case 'apiKey': {
      const resource = platform.registry.resources.find((one) => one.name === 'apiKey')
      const row = resource && (await transaction.lock({ resource, id, visible: always, strength: 'keep' }))
      const holder = row?.['ownerUserId']
      if (typeof holder === 'string') await refuseAbove(platform, system, principal, { tenantId, userId: holder })
    }
  }
}
