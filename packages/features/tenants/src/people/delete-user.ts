import {
  changeStanding,
  depart,
  emptyAnswer,
  holdOwners,
  lockedRow,
  problem,
  refuseAbove,
  refuseQuery,
  statement,
  type Call,
  type Platform,
  type SystemTransaction,
  type TextAnswer,
} from '@plinth/core'
import { z } from 'zod'
import { holdUser } from './change-user.ts'
import { members } from './user-resource.ts'

/**
 * `DELETE /users/:id`: ends the membership, and the account with the last one.
 * @throws not_found, permission_denied, version_mismatch, last_owner
 */
export async function deleteUser(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, request, scope } = call
  const id = z.guid().safeParse(call.parameters['id'])
  if (!id.success) throw problem('not_found')
  const { tenantId } = scope
  return call.transactAsSystem(async (system, transaction) => {
    await holdUser(system, id.data)
    await holdOwners(system, tenantId)
    const row = await lockedRow(call, transaction, platform.registry.byTable.get(members)!)
    const userId = String(row['id'])
    await refuseAbove(platform, system, request.principal, { tenantId, userId })
    await changeStanding(platform, system, { tenantId, userId, to: 'removed' })
    await refuseEmpty(system, tenantId)
    const before = { status: row['status'], roles: JSON.parse(String(row['roles'])) as unknown }
    await transaction.emit({ type: 'user.deleted', key: userId, data: { id: userId }, changes: { before } })
    await dropAccount(platform, system, userId)
    return emptyAnswer(204)
  })
}

/** A tenant that nobody belongs to could be neither used nor ended by anybody. @throws last_owner */
async function refuseEmpty(system: SystemTransaction, tenantId: string): Promise<void> {
  const [left] = await system.run(
    statement`select id from plinth.memberships where tenant_id = ${tenantId}::uuid limit 1`,
  )
  if (!left) throw problem('last_owner')
}

/** An account without a tenant, unless it is an operator's. Its row is held: nobody joins anything by it meanwhile. */
async function dropAccount(platform: Platform, system: SystemTransaction, userId: string): Promise<void> {
  const [alone] = await system.run(statement`
    select u.id from plinth.users u
    where u.id = ${userId}::uuid and not u.superadmin
      and not exists (select from plinth.memberships m where m.user_id = u.id)`)
  if (!alone) return
  await depart(platform, system, { tenantId: null, userId })
  await system.run(statement`delete from plinth.users where id = ${userId}::uuid`)
}
