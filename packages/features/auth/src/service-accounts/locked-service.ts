import {
  matchVersion,
  OWNER,
  problem,
  rolesIn,
  type Call,
  type RawRow,
  type StatementRunner,
  type Transaction,
} from '@plinth/core'
import { serviceAccounts } from '../tables.ts'

/** A service of the tenant, locked until the end of the transaction. */
export interface LockedService {
  readonly row: RawRow
  readonly id: string
  readonly name: string
  readonly roles: readonly string[]
}

/**
 * The service of this path, in the order of answers of every other row: there, yours to change, in the version that was seen.
 * @throws not_found, permission_denied, version_mismatch
 */
export async function lockedService(call: Call, transaction: Transaction): Promise<LockedService> {
  const resource = call.platform.registry.byTable.get(serviceAccounts)!
  const id = call.parameters['id']!
  const row = await transaction.lock({ resource, id, visible: call.visible })
  if (!row) throw problem('not_found')
  if (!(await transaction.read({ resource, id, visible: call.allowed })))
    throw problem('permission_denied', {
      detail: `This needs the permission serviceAccount:${call.request.route.verb} in a wider scope.`,
    })
  const ifVersion = matchVersion(call.headers['if-match'])
  if (ifVersion !== undefined && row['version'] !== ifVersion) throw problem('version_mismatch')
  return {
    row,
    id: String(row['id']),
    name: String(row['name']),
    roles: JSON.parse(String(row['roles'])) as readonly string[],
  }
}

/**
 * Nobody changes a service that may do more than he may himself, nor makes a key for it: the key would be his own way to it.
 * @throws permission_denied
 */
export async function refuseStronger(
  { platform, request, scope }: Call,
  system: StatementRunner,
  roles: readonly string[],
): Promise<void> {
  const { principal } = request
  const owned = roles.includes(OWNER) && !principal.roles?.includes(OWNER)
  const rights = await rolesIn(platform, system).roles.permissionsOf(scope.tenantId, roles)
  if (owned || !rights.isWithin(principal.permissions))
    throw problem('permission_denied', { detail: 'This service may do more than you may yourself.' })
}
