import { randomUUID } from 'node:crypto'
import {
  always,
  heldRoles,
  isUuid,
  rolesIn,
  scopeOf,
  statement,
  systemPrincipal,
  type Platform,
  type Principal,
  type RoleHolder,
  type SystemTransaction,
} from '@plinth/core'
import { tenantWithin } from '../directory/tenant-within.ts'

/** Who sent an invitation: a member, or a service. */
export interface Inviter {
  readonly userId: string | null
  readonly serviceId: string | null
}

/** What decides about what somebody may give. */
type Giver = Pick<Principal, 'kind' | 'permissions' | 'roles'>

/** What the inviter may do in his tenant at this moment; undefined where he is nothing there any more. */
export async function giverOf(
  platform: Platform,
  system: SystemTransaction,
  tenantId: string,
  { userId, serviceId }: Inviter,
): Promise<Giver | undefined> {
  if (userId !== null) return memberGiving(platform, system, tenantId, userId)
  if (serviceId === null) return undefined
  return isUuid(serviceId)
    ? serviceGiving(platform, system, tenantId, serviceId)
    : configuredService(platform, system, tenantId, serviceId)
}

async function memberGiving(
  platform: Platform,
  system: SystemTransaction,
  tenantId: string,
  userId: string,
): Promise<Giver | undefined> {
  const [member] = await system.run(statement`
    select m.user_id from plinth.memberships m join plinth.users u on u.id = m.user_id
    where m.tenant_id = ${tenantId}::uuid and m.user_id = ${userId}::uuid and m.status = 'active' and u.status = 'active'`)
  return member && holding(platform, system, tenantId, { userId }, 'user')
}

/** A service account is a row of another feature, which is asked as every row is. */
async function serviceGiving(
  platform: Platform,
  system: SystemTransaction,
  tenantId: string,
  id: string,
): Promise<Giver | undefined> {
  const { registry } = platform
  const resource = registry.resources.find(({ name }) => name === 'serviceAccount')
  if (!resource) return undefined
  const principal = systemPrincipal(registry.permissions, 'asking who invited')
  const tenant = await tenantWithin(system, tenantId)
  const transaction = await system.within(scopeOf(platform, { principal, tenant, requestId: randomUUID() }))
  const row = await transaction.read({ resource, id, visible: always })
  if (!row || row['disabledAt'] != null) return undefined
  return holding(platform, system, tenantId, { serviceAccountId: id }, 'service')
}

async function holding(
  platform: Platform,
  system: SystemTransaction,
  tenantId: string,
  holder: RoleHolder,
  kind: Giver['kind'],
): Promise<Giver> {
  const roles = await heldRoles(system, tenantId, holder)
  return { kind, roles, permissions: await rolesIn(platform, system).roles.permissionsOf(tenantId, roles) }
}

async function configuredService(
  platform: Platform,
  system: SystemTransaction,
  tenantId: string,
  name: string,
): Promise<Giver | undefined> {
  const { slug } = await tenantWithin(system, tenantId)
  const sources = platform.registry.features.flatMap((feature) => feature.slots?.principals ?? [])
  for (const source of sources) {
    const found = source.kind === 'service' ? await source.find(name) : undefined
    if (found?.id === name && (found.tenant === null || [tenantId, slug].includes(found.tenant))) return found
  }
  return undefined
}
