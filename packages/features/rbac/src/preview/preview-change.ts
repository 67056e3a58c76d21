import {
  always,
  buildPermissionSet,
  PermissionSet,
  problem,
  type InputFault,
  type Registry,
  type RoleHolder,
  type Transaction,
} from '@plinth/core'
import { namesWithin, rolesSeen } from '../custom-roles.ts'
import type { Definitions } from '../definitions.ts'
import { compareRights, type RightsDifference } from './compare-decisions.ts'
import {
  holdersOf,
  isGroup,
  membersIn,
  membersOf,
  rolesAmong,
  rolesOfGroup,
  servicesOf,
  type Grant,
  type Holder,
  type Holders,
} from './holders.ts'
import { Compared, Tally, type PreviewWindow, type RolePreview } from './tally.ts'

/** A change of roles that somebody thinks of. */
export type ConsideredChange =
  /** The role is to have these permissions, `model:action:scope`. */
  | { readonly change: 'permissions'; readonly role: string; readonly permissions: readonly string[] }
  /** The role is to be taken from everybody, and deleted. */
  | { readonly change: 'delete'; readonly role: string }
  | { readonly change: 'give'; readonly role: string; readonly holder: RoleHolder }
  | { readonly change: 'take'; readonly role: string; readonly holder: RoleHolder }
  /** A member is to be put into a group, or taken out. */
  | { readonly change: 'join' | 'leave'; readonly groupId: string; readonly userId: string }

/**
 * Who would gain and lose what, if a change of roles were made. Nothing is written and nothing locked. What is compared are the roles:
 * what narrows them (a key, a policy) narrows both sides.
 * @param transaction of the tenant
 * @throws validation_failed where there is no such role, member, group or service account
 */
export async function previewChange(
  { registry, definitions }: { readonly registry: Registry; readonly definitions: Definitions },
  transaction: Transaction,
  tenantId: string,
  considered: ConsideredChange,
  window?: PreviewWindow,
): Promise<RolePreview> {
  const port = definitions.rights.port(rolesSeen(transaction), namesWithin(transaction))
  if ('role' in considered) {
    const [unknown] = await port.unknown(tenantId, [considered.role])
    if (unknown !== undefined) {
      const nearest = (await port.nearest?.(tenantId, unknown)) ?? []
      const words = nearest.length > 0 ? `; nearest: ${nearest.join(', ')}` : ''
      throw invalid('/role', 'unknown_role', `There is no role '${unknown}'${words}`)
    }
  }
  const holders = await touched(registry, transaction, tenantId, considered)
  const joined = considered.change === 'join' ? await rolesOfGroup(transaction, tenantId, considered.groupId) : []
  // Each role is read once and what it would be made of once, however many combinations there are: a tenant may have thousands.
  const read = new Map<string, PermissionSet>()
  const replaced =
    considered.change === 'permissions'
      ? buildPermissionSet(definitions.permissions, considered.permissions).set
      : undefined
  // Many have the same roles: each combination is compared once.
  const compared = new Compared<RightsDifference>()
  const tally = new Tally(window)
  for await (const some of holders)
    for (const holder of some) {
      const { grants } = holder
      const [before, after] = [rolesAmong(grants), rolesAmong(changed(grants, considered, joined))]
      const key = JSON.stringify([before, after])
      const difference =
        compared.get(key) ??
        compared.set(key, compareRights(definitions.permissions, await rightsOf(before), await rightsAfter(after)))
      tally.add(holder, difference)
    }
  return tally.preview

  async function rightsAfter(names: readonly string[]): Promise<PermissionSet> {
    if (!replaced || considered.change !== 'permissions') return rightsOf(names)
    return (await rightsOf(names.filter((name) => name !== considered.role))).union(replaced)
  }

  async function rightsOf(names: readonly string[]): Promise<PermissionSet> {
    let all = PermissionSet.none
    for (const name of names) {
      const rights = read.get(name) ?? (await port.permissionsOf(tenantId, [name]))
      read.set(name, rights)
      all = all.union(rights)
    }
    return all
  }
}

/** What somebody has afterwards. */
function changed(grants: readonly Grant[], considered: ConsideredChange, joined: readonly string[]): readonly Grant[] {
  switch (considered.change) {
    case 'permissions':
      return grants
    case 'delete':
      return grants.filter(({ role }) => role !== considered.role)
    case 'give':
      return [...grants, { role: considered.role, groupId: null }]
    case 'take': {
      const groupId = 'groupId' in considered.holder ? considered.holder.groupId : null
      return grants.filter((grant) => grant.role !== considered.role || grant.groupId !== groupId)
    }
    case 'join':
      return [...grants, ...joined.map((role) => ({ role, groupId: considered.groupId }))]
    case 'leave':
      return grants.filter(({ groupId }) => groupId !== considered.groupId)
  }
}

/** @throws validation_failed */
async function touched(
  registry: Registry,
  transaction: Transaction,
  tenantId: string,
  considered: ConsideredChange,
): Promise<Holders> {
  if (considered.change === 'permissions' || considered.change === 'delete')
    return holdersOf(transaction, tenantId, considered.role)
  if (!('holder' in considered)) {
    await refuseNoGroup(transaction, tenantId, considered.groupId)
    return atOnce(await oneMember(transaction, tenantId, considered.userId))
  }
  const { holder } = considered
  if ('userId' in holder) return atOnce(await oneMember(transaction, tenantId, holder.userId))
  if ('groupId' in holder) {
    await refuseNoGroup(transaction, tenantId, holder.groupId)
    return membersIn(transaction, tenantId, holder.groupId)
  }
  const resource = registry.resources.find((one) => one.name === 'serviceAccount')
  const id = holder.serviceAccountId
  if (!resource || !(await transaction.read({ resource, id, visible: always })))
    throw invalid('/serviceAccountId', 'reference_not_found', 'There is no such service account of the tenant')
  return atOnce(await servicesOf(transaction, tenantId, [id]))
}

async function* atOnce(holders: readonly Holder[]): Holders {
  yield await Promise.resolve(holders)
}

async function oneMember(transaction: Transaction, tenantId: string, userId: string): Promise<readonly Holder[]> {
  const found = await membersOf(transaction, tenantId, [userId])
  if (found.length === 0) throw invalid('/userId', 'reference_not_found', 'There is no such member of the tenant')
  return found
}

async function refuseNoGroup(transaction: Transaction, tenantId: string, groupId: string): Promise<void> {
  if (!(await isGroup(transaction, tenantId, groupId)))
    throw invalid('/groupId', 'reference_not_found', 'There is no such group of the tenant')
}

function invalid(path: string, code: string, message: string): Error {
  const fault: InputFault = { path, code, message }
  return problem('validation_failed', { errors: [fault] })
}
