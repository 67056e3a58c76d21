import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openIdentity, secondProcess, type Identity, type Person } from './open-identity.ts'

/*
 * Roles of groups and of service accounts, with the features that bring those: roles know nothing of either.
 */
let platform: Identity
let other: ReturnType<typeof secondProcess>
let owner: Person
beforeAll(async () => {
  platform = await openIdentity()
  other = secondProcess(platform)
  owner = await platform.signUp()
  // Looks after groups and people, and may do little beside.
  await made(owner, 'roles', {
    name: 'clerk',
    permissions: ['group:*', 'user:*', 'userRole:*', 'invitation:*', 'crate:read'],
  })
  await made(owner, 'roles', { name: 'packer', permissions: ['crate:read', 'crate:create'] })
}, 120_000)
afterAll(async () => {
  await other.close()
  await platform.close()
})

type Reply = Awaited<ReturnType<Identity['call']>>
const ask = (who: Pick<Person, 'bearer'>, method: string, path: string, body?: unknown): Promise<Reply> =>
  platform.call(method, `/api/v1/${path}`, body, who.bearer)
const outcome = (reply: Reply): string =>
  [reply.status, (reply.json as { code?: string } | undefined)?.code].filter(Boolean).join(' ')
async function made(who: Person, path: string, body: unknown): Promise<string> {
  const reply = await ask(who, 'POST', path, body)
  expect(reply.status, reply.body).toBe(201)
  return (reply.json as { id: string }).id
}
let count = 0
async function member(...roles: readonly string[]): Promise<Person> {
  const email = `holder-${(count += 1)}@example.com`
  expect((await ask(owner, 'POST', 'invitations', { email, roles })).status).toBe(201)
  await platform.mail.waitFor(email)
  return platform.signUp({ email, invitationToken: platform.linkToken(email) })
}
const group = (): Promise<string> => made(owner, 'groups', { name: `Team ${(count += 1)}` })
const elsewhere = async (
  { bearer }: Pick<Person, 'bearer'>,
  method = 'GET',
  target = '/api/v1/crates',
): Promise<number> => (await other.send({ method, target, headers: Object.entries(bearer) })).status
/** What another process remembers is at most a second old. */
const SECOND = 1_050
const REFUSED = '403 permission_denied'

describe('who may change groups', () => {
  test('puts nobody into one that may do more than he, himself least of all, and takes nobody out', async () => {
    const [clerk, boss, admins] = [await member('clerk'), await member('user'), await group()]
    await made(owner, 'user-roles', { groupId: admins, role: 'admin' })
    const members = `groups/${admins}/members`
    expect(outcome(await ask(clerk, 'POST', members, { userId: clerk.userId }))).toBe(REFUSED)
    expect(outcome(await ask(clerk, 'PUT', members, { userIds: [clerk.userId] }))).toBe(REFUSED)
    expect((await ask(owner, 'POST', members, { userId: boss.userId })).status).toBe(200)
    expect(outcome(await ask(clerk, 'DELETE', `${members}/${boss.userId}`))).toBe(REFUSED)
    expect(outcome(await ask(clerk, 'PUT', members, { userIds: [] }))).toBe(REFUSED)
    expect(outcome(await ask(clerk, 'DELETE', `groups/${admins}`))).toBe('409 still_referenced')
    expect(outcome(await ask(clerk, 'DELETE', `user-roles?groupId=${admins}&role=admin`))).toBe(REFUSED)
    // Nor does a role of the group's that he has not got come to him by a group of his own.
    const own = await made(clerk, 'groups', { name: 'Mine' })
    expect((await ask(clerk, 'POST', `groups/${own}/members`, { userId: clerk.userId })).status).toBe(200)
    expect(outcome(await ask(clerk, 'POST', 'user-roles', { groupId: own, role: 'packer' }))).toBe(REFUSED)
  })

  test('leaves alone whoever is above him by a group', async () => {
    const [clerk, boss, admins] = [await member('clerk'), await member('user'), await group()]
    await made(owner, 'user-roles', { groupId: admins, role: 'admin' })
    expect((await ask(owner, 'POST', `groups/${admins}/members`, { userId: boss.userId })).status).toBe(200)
    expect(outcome(await ask(clerk, 'PATCH', `users/${boss.userId}`, { status: 'suspended' }))).toBe(REFUSED)
    expect(outcome(await ask(clerk, 'DELETE', `users/${boss.userId}`))).toBe(REFUSED)
    expect(outcome(await ask(clerk, 'DELETE', `user-roles?userId=${boss.userId}&role=user`))).toBe(REFUSED)
  })

  test('invites with the rights of his groups, for as long as he has them', async () => {
    const [boss, admins] = [await member('user'), await group()]
    await made(owner, 'user-roles', { groupId: admins, role: 'admin' })
    expect((await ask(owner, 'POST', `groups/${admins}/members`, { userId: boss.userId })).status).toBe(200)
    const invite = async (email: string): Promise<string> => {
      expect((await ask(boss, 'POST', 'invitations', { email, roles: ['packer'] })).status).toBe(201)
      await platform.mail.waitFor(email)
      return platform.linkToken(email)
    }
    const email = 'invited-by-group@example.com'
    expect((await platform.signUp({ email, invitationToken: await invite(email) })).tenantId).toBe(owner.tenantId)
    const late = 'invited-too-late@example.com'
    const token = await invite(late)
    expect((await ask(owner, 'DELETE', `groups/${admins}/members/${boss.userId}`)).status).toBe(204)
    await expect(platform.signUp({ email: late, invitationToken: token })).rejects.toThrow(/invitation_invalid/)
  })
})

describe('in every process within a second', () => {
  test('roles of a group come and go, and with them a place in it', async () => {
    const [ann, team] = [await member(), await group()]
    await made(owner, 'user-roles', { groupId: team, role: 'packer' })
    expect([(await ask(ann, 'GET', 'crates')).status, await elsewhere(ann)]).toEqual([403, 403])
    expect((await ask(owner, 'POST', `groups/${team}/members`, { userId: ann.userId })).status).toBe(200)
    expect((await ask(ann, 'GET', 'crates')).status).toBe(200)
    expect((await ask(ann, 'GET', 'auth/me')).json).toMatchObject({
      roles: ['packer'],
      memberships: [{ roles: ['packer'] }],
    })
    await sleep(SECOND)
    expect(await elsewhere(ann)).toBe(200)
    expect((await ask(owner, 'DELETE', `groups/${team}/members/${ann.userId}`)).status).toBe(204)
    expect((await ask(ann, 'GET', 'crates')).status).toBe(403)
    await sleep(SECOND)
    expect(await elsewhere(ann)).toBe(403)
    await ask(owner, 'POST', `groups/${team}/members`, { userId: ann.userId })
    await sleep(SECOND)
    expect(await elsewhere(ann)).toBe(200)
    expect((await ask(owner, 'DELETE', `user-roles?groupId=${team}&role=packer`)).status).toBe(204)
    expect((await ask(ann, 'GET', 'crates')).status).toBe(403)
    await sleep(SECOND)
    expect(await elsewhere(ann)).toBe(403)
  })

  test('roles of a service account come and go', async () => {
    const id = await made(owner, 'service-accounts', { name: 'Agent', roles: [] })
    const { key } = (await ask(owner, 'POST', `service-accounts/${id}/keys`, { name: 'Key' })).json as { key: string }
    const agent = { bearer: { 'x-api-key': key } }
    expect([(await ask(agent, 'GET', 'crates')).status, await elsewhere(agent)]).toEqual([403, 403])
    await made(owner, 'user-roles', { serviceAccountId: id, role: 'packer' })
    expect((await ask(owner, 'GET', `service-accounts/${id}`)).json).toMatchObject({ roles: ['packer'], version: 2 })
    expect((await ask(agent, 'GET', 'crates')).status).toBe(200)
    await sleep(SECOND)
    expect(await elsewhere(agent)).toBe(200)
    const role = await made(owner, 'roles', { name: 'agentic', permissions: ['crate:read'] })
    await made(owner, 'user-roles', { serviceAccountId: id, role: 'agentic' })
    expect(outcome(await ask(owner, 'DELETE', `roles/${role}`))).toBe('409 still_referenced')
    expect(outcome(await ask(owner, 'POST', 'user-roles', { serviceAccountId: id, role: 'owner' }))).toBe(
      '400 validation_failed',
    )
    const clerk = await member('clerk')
    expect(outcome(await ask(clerk, 'DELETE', `user-roles?serviceAccountId=${id}&role=packer`))).toBe(REFUSED)
    expect((await ask(owner, 'DELETE', `user-roles?serviceAccountId=${id}&role=packer`)).status).toBe(204)
    expect((await ask(owner, 'PATCH', `service-accounts/${id}`, { roles: [] })).status).toBe(200)
    expect((await ask(owner, 'DELETE', `roles/${role}`)).status).toBe(204)
    expect((await ask(agent, 'GET', 'crates')).status).toBe(403)
    await sleep(SECOND)
    expect(await elsewhere(agent)).toBe(403)
    await made(owner, 'user-roles', { serviceAccountId: id, role: 'packer' })
    expect((await ask(owner, 'DELETE', `service-accounts/${id}`)).status).toBe(204)
    expect((await ask(owner, 'GET', `user-roles?serviceAccountId=${id}`)).json).toMatchObject({ data: [] })
  })
})

test('a tenant goes with the roles of its groups and services', async () => {
  const boss = await platform.signUp()
  const ours = await made(boss, 'groups', { name: 'Ours' })
  await made(boss, 'user-roles', { groupId: ours, role: 'admin' })
  await made(boss, 'service-accounts', { name: 'Agent', roles: ['admin'] })
  await platform.superuser.query('delete from plinth.tenants where id = $1::uuid', [boss.tenantId])
  const [left] = await platform.superuser.query(
    'select count(*)::int as roles from plinth.user_roles where tenant_id = $1::uuid',
    [boss.tenantId],
  )
  expect(left).toEqual({ roles: 0 })
})

describe('a preview of the ACL', () => {
  interface Told {
    readonly data: readonly { readonly kind: string; readonly id: string; readonly lost: readonly string[] }[]
  }
  const key = async (who: Person, path: string, body: object) =>
    (await ask(who, 'POST', path, body)).json as { readonly id: string; readonly key: string }
  const reads = async ({ key: shown }: { readonly key: string }): Promise<number> =>
    (await ask({ bearer: { authorization: `Bearer ${shown}` } }, 'GET', 'crates')).status

  test('tells of service accounts and of keys that have the role, as it then happens', async () => {
    await made(owner, 'roles', { name: 'loader', permissions: ['crate:read'] })
    const service = await made(owner, 'service-accounts', { name: 'Robot', roles: ['loader'] })
    const ofService = await key(owner, `service-accounts/${service}/keys`, { name: 'Robot' })
    // The key has the role, its owner has not; another key has a role that is not named.
    const own = await key(owner, 'auth/api-keys', { name: 'Narrow', role: 'loader' })
    const other = await key(owner, 'auth/api-keys', { name: 'Other', role: 'clerk' })
    const ended = await key(owner, 'auth/api-keys', { name: 'Ended', role: 'loader' })
    expect((await ask(owner, 'DELETE', `auth/api-keys/${ended.id}`)).status).toBe(204)
    const entry = { resource: 'Crate.read', principal: { kind: 'role', id: 'loader' }, effect: 'deny' }
    const told = (await ask(owner, 'POST', 'acl/preview?pageSize=100', entry)).json as Told
    expect(told.data.filter(({ lost }) => lost.includes('crate:read:all')).map(({ kind, id }) => [kind, id])).toEqual([
      ['service', service],
      ['key', own.id],
    ])
    expect([await reads(ofService), await reads(own), await reads(other)]).toEqual([200, 200, 200])
    const id = await made(owner, 'acl', entry)
    expect([await reads(ofService), await reads(own), await reads(other)]).toEqual([403, 403, 200])
    const back = (await ask(owner, 'POST', `acl/${id}/preview`, { deleted: true })).json as { readonly gaining: number }
    expect(back.gaining).toBe(2)
    expect((await ask(owner, 'DELETE', `acl/${id}`)).status).toBe(204)
    for (const principal of [
      { kind: 'apiKey', id: own.id },
      { kind: 'service', id: service },
    ]) {
      const one = (await ask(owner, 'POST', 'acl/preview', { ...entry, principal })).json as Told
      expect(one.data.map((each) => each.id)).toEqual([principal.id])
    }
  })

  test('tells of no keys to whoever may not see them', async () => {
    await made(owner, 'roles', { name: 'sharer', permissions: ['crate:*', 'userRole:read', 'apiKey:*:own'] })
    const sharer = await member('sharer')
    const mine = await key(sharer, 'auth/api-keys', { name: 'Hers', role: 'sharer' })
    const entry = { resource: 'Crate.read', principal: { kind: 'role', id: 'sharer' }, effect: 'deny' }
    const kinds = async (who: Person): Promise<readonly (readonly string[])[]> =>
      ((await ask(who, 'POST', 'acl/preview', entry)).json as Told).data.map(({ kind, id }) => [kind, id])
    expect(await kinds(owner)).toEqual([
      ['member', sharer.userId],
      ['key', mine.id],
    ])
    expect(await kinds(sharer)).toEqual([['member', sharer.userId]])
  })
})
