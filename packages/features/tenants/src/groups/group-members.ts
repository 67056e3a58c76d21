import {
  emptyAnswer,
  jsonAnswer,
  lockedRow,
  printPage,
  problem,
  readPage,
  refuseGroupChange,
  refuseQuery,
  statement,
  validate,
  type Call,
  type RawRow,
  type TextAnswer,
  type Transaction,
} from '@plinth/core'
import { z } from 'zod'
import { groups } from './group-resource.ts'

const MOST_MEMBERS = 1_000

export const memberToAdd = z.object({ userId: z.guid().toLowerCase() }).meta({ id: 'GroupMember' })
export const memberSet = z
  .object({ userIds: z.array(z.guid().toLowerCase()).max(MOST_MEMBERS) })
  .meta({ id: 'GroupMembers' })

/** `GET /groups/:id/members`. Of whoever may see the group; names and addresses are for `/users` to tell. */
export async function listMembers(call: Call): Promise<TextAnswer> {
  const page = readPage(call.search)
  const { platform, scope, visible } = call
  const rows = await platform.database.transaction(scope, async (transaction) => {
    const resource = platform.registry.byTable.get(groups)!
    const group = await transaction.read({ resource, id: call.parameters['id']!, visible })
    if (!group) throw problem('not_found')
    return transaction.run(statement`
      select user_id from plinth.group_members
      where tenant_id = ${scope.tenantId}::uuid and group_id = ${String(group['id'])}::uuid
      order by user_id limit ${page.pageSize + 1}::int offset ${page.offset}::int`)
  })
  return jsonAnswer(
    200,
    printPage(
      page,
      rows.map((row) => ({ userId: row['user_id'] })),
    ),
  )
}

/** `POST`: one more. @throws validation_failed where he does not belong to the tenant */
export function addToGroup(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { userId } = validate(memberToAdd, call.body)
  return changeMembers(call, async (transaction, groupId) => {
    const added = await insert(transaction, call.scope.tenantId, groupId, [userId], () => '/userId')
    return { answer: jsonAnswer(200, JSON.stringify({ userId })), added, removed: [] }
  })
}

/** `PUT`: these and no others. @throws validation_failed where one does not belong to the tenant */
export function replaceMembers(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const userIds = [...new Set(validate(memberSet, call.body).userIds)]
  const { tenantId } = call.scope
  return changeMembers(call, async (transaction, groupId) => {
    const gone = await transaction.run(statement`
      delete from plinth.group_members
      where tenant_id = ${tenantId}::uuid and group_id = ${groupId}::uuid and user_id <> all (${userIds}::uuid[])
      returning user_id`)
    const added = await insert(transaction, tenantId, groupId, userIds, (userId) => {
      return `/userIds/${userIds.indexOf(userId)}`
    })
    return { answer: jsonAnswer(200, JSON.stringify({ userIds })), added, removed: idsOf(gone) }
  })
}

/** `DELETE /groups/:id/members/:userId` */
export function removeFromGroup(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const userId = z.guid().safeParse(call.parameters['userId'])
  return changeMembers(call, async (transaction, groupId) => {
    if (!userId.success) throw problem('not_found')
    const [gone] = await transaction.run(statement`
      delete from plinth.group_members
      where tenant_id = ${call.scope.tenantId}::uuid and group_id = ${groupId}::uuid and user_id = ${userId.data}::uuid
      returning user_id`)
    if (!gone) throw problem('not_found')
    return { answer: emptyAnswer(204), added: [], removed: idsOf([gone]) }
  })
}

/** What became of the members, and the answer. */
interface ChangedMembers {
  readonly answer: TextAnswer
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

function idsOf(rows: readonly RawRow[]): readonly string[] {
  return rows.map((row) => String(row['user_id'])).sort()
}

/** Under the lock of the group, so that two who replace its members do not make a mixture. */
async function changeMembers(
  call: Call,
  work: (transaction: Transaction, groupId: string) => Promise<ChangedMembers>,
): Promise<TextAnswer> {
  const { platform } = call
  const answer = await call.transact(async (transaction) => {
    const group = await lockedRow(call, transaction, platform.registry.byTable.get(groups)!)
    const id = String(group['id'])
    await refuseGroupChange(platform, transaction, call.request.principal, {
      tenantId: call.scope.tenantId,
      groupId: id,
    })
    const { answer: made, added, removed } = await work(transaction, id)
    // Who is in a group has its rights: without their ids nobody finds out afterwards who had them.
    await transaction.emit({ type: 'group.members_changed', key: id, data: { id, added, removed } })
    return made
  })
  // In which groups somebody is, is remembered for a second.
  platform.database.forget()
  return answer
}

/** @returns who was not in it before */
async function insert(
  transaction: Transaction,
  tenantId: string,
  groupId: string,
  userIds: readonly string[],
  pathOf: (userId: string) => string,
): Promise<readonly string[]> {
  const known = await transaction.run(statement`
    select user_id from plinth.memberships
    where tenant_id = ${tenantId}::uuid and user_id = any (${userIds}::uuid[])`)
  const members = new Set(known.map((row) => String(row['user_id'])))
  const strangers = userIds.filter((userId) => !members.has(userId))
  if (strangers.length > 0) {
    const message = 'There is no such member of the tenant'
    const errors = strangers
      .slice(0, 100)
      .map((userId) => ({ path: pathOf(userId), code: 'reference_not_found', message }))
    throw problem('validation_failed', { errors })
  }
  const added = await transaction.run(statement`
    insert into plinth.group_members (tenant_id, group_id, user_id)
    select ${tenantId}::uuid, ${groupId}::uuid, m.id from unnest(${userIds}::text::uuid[]) m(id)
    on conflict do nothing returning user_id`)
  return idsOf(added)
}
