import { afterAll, beforeAll, expect, test } from 'vitest'
import { PASSWORD, type Person } from '../identity/open-identity.ts'
import { openWalk, type Walk } from './walk.ts'

/*
 * What no generated write tells of: what changed, from and to, is in the entry all the same, and not in the event, which handlers and
 * whoever reads events are told.
 */

let walk: Walk
let owner: Person
let memberId = ''
beforeAll(async () => {
  walk = await openWalk()
  owner = await walk.platform.signUp()
  // Whose domain it is may change the accounts in it.
  const domain = idOf(await ask('POST', 'domains', { domain: 'walkers-agency.com' }))
  const { token } = (await ask('GET', `domains/${domain}`)) as { readonly token: string }
  walk.dns.set('_plinth.walkers-agency.com', token)
  await ask('POST', `domains/${domain}/verify`)
  const draft = {
    email: 'first@walkers-agency.com',
    username: 'first',
    roles: ['user'],
    password: PASSWORD,
    name: 'First',
  }
  memberId = idOf(await ask('POST', 'users', draft))
}, 120_000)
afterAll(() => walk.platform.close())

type Json = Readonly<Record<string, unknown>>

async function ask(method: string, path: string, body?: unknown, bearer = owner.bearer): Promise<unknown> {
  const reply = await walk.platform.call(method, `/api/v1/${path}`, body, bearer)
  expect(reply.status, reply.body).toBeLessThan(300)
  return reply.json
}
const idOf = (json: unknown): string => (json as { readonly id: string }).id

interface Told {
  readonly changes: Json | null
  readonly detail: Json | null
  readonly personal: Json | null
}

/** The newest entry of an action, as its readers see it. */
async function told(action: string): Promise<Told> {
  const { data } = (await ask('GET', `audit-logs?action=${action}&pageSize=1`)) as { readonly data: readonly Told[] }
  const { changes, detail, personal } = data[0]!
  return { changes, detail, personal }
}

/** The data of the newest event of a type. */
async function heard(type: string): Promise<unknown> {
  const { data } = (await ask('GET', `events?type=${type}&pageSize=1`)) as {
    readonly data: readonly { readonly data: unknown }[]
  }
  return data[0]!.data
}

/** In how many rows of the log, as they are stored, a word stands. */
async function rowsWith(word: string): Promise<number> {
  await walk.feature.seal()
  const rows = await walk.platform.superuser.query(
    `select seq from plinth.audit_logs l where l::text like '%' || $1::text || '%'`,
    [word],
  )
  return rows.length
}

test('a member: state and roles from and to, and who has another password, address or name', async () => {
  await ask('PATCH', `users/${memberId}`, { roles: ['user', 'read_only'], status: 'suspended' })
  expect(await told('user.updated')).toMatchObject({
    changes: {
      status: { from: 'active', to: 'suspended' },
      roles: { from: ['user'], to: ['read_only', 'user'] },
    },
    personal: null,
  })
  const account = {
    email: 'second@walkers-agency.com',
    username: 'second',
    name: 'Second',
    password: 'c4nary pass phrase',
  }
  await ask('PATCH', `users/${memberId}`, account)
  expect(await told('user.updated')).toMatchObject({
    changes: {
      password: { masked: true },
      email: { personal: true },
      username: { personal: true },
      name: { personal: true },
    },
    personal: {
      email: ['first@walkers-agency.com', 'second@walkers-agency.com'],
      username: ['first', 'second'],
      name: ['First', 'Second'],
    },
  })
  // Neither in the clear, nor to whoever hears of it; and gone with the key of the user.
  for (const word of ['c4nary', 'second@walkers-agency.com', 'first@walkers-agency.com'])
    expect({ word, rows: await rowsWith(word) }).toEqual({ word, rows: 0 })
  expect(await heard('user.updated')).toEqual({ id: memberId, status: 'suspended', roles: ['read_only', 'user'] })
  expect(await walk.feature.shredSubject(`user:${memberId}`)).toBeGreaterThan(0)
  expect((await told('user.updated')).personal).toBeNull()
  await ask('PATCH', `users/${memberId}`, { roles: ['user'], status: 'active' })
})

test('a group: who came in and who left', async () => {
  const group = idOf(await ask('POST', 'groups', { name: 'g' }))
  const detail = async (): Promise<Json | null> => (await told('group.members_changed')).detail
  await ask('POST', `groups/${group}/members`, { userId: memberId })
  expect(await detail()).toEqual({ id: group, added: [memberId], removed: [] })
  await ask('PUT', `groups/${group}/members`, { userIds: [owner.userId] })
  expect(await detail()).toEqual({ id: group, added: [owner.userId], removed: [memberId] })
  await ask('DELETE', `groups/${group}/members/${owner.userId}`)
  expect(await detail()).toEqual({ id: group, added: [], removed: [owner.userId] })
})

test('a flag: on or off before and now', async () => {
  const changes = async (): Promise<Json | null> => (await told('featureFlag.updated')).changes
  await ask('PATCH', 'feature-flags', { 'new-editor': { enabled: true, percentage: 20 } })
  expect(await changes()).toEqual({ 'new-editor': { to: { enabled: true, percentage: 20 } } })
  await ask('PATCH', 'feature-flags', { 'new-editor': false })
  expect(await changes()).toEqual({
    'new-editor': { from: { enabled: true, percentage: 20 }, to: { enabled: false } },
  })
  await ask('PATCH', 'feature-flags', { 'new-editor': null })
  expect(await changes()).toEqual({ 'new-editor': { from: { enabled: false } } })
  expect(await heard('featureFlag.updated')).toEqual({ keys: ['new-editor'] })
})

test('a setting: from and to, of a secret and of one’s own only that', async () => {
  const changes = async (): Promise<Json | null> => (await told('setting.updated')).changes
  await ask('PATCH', 'settings', { 'mail.footer': 'one', 'mail.password': 'c4nary-one' })
  expect(await changes()).toEqual({ 'mail.footer': { to: 'one' }, 'mail.password': { masked: true } })
  await ask('PATCH', 'settings', { 'mail.footer': 'two', 'mail.password': null })
  expect(await changes()).toEqual({ 'mail.footer': { from: 'one', to: 'two' }, 'mail.password': { masked: true } })
  await ask('PATCH', 'settings', { 'mail.footer': null, 'mail.password': null })
  expect(await changes()).toEqual({ 'mail.footer': { from: 'two' } })
  await ask('PATCH', 'settings/me', { signature: 'c4nary-two' })
  expect(await changes()).toEqual({ signature: { masked: true } })
  expect(await rowsWith('c4nary')).toBe(0)
})

test('the tenant itself', async () => {
  await ask('PATCH', `tenants/${owner.tenantId}`, { name: 'Renamed' })
  expect((await told('tenant.updated')).changes).toEqual({ name: { from: expect.any(String), to: 'Renamed' } })
  expect(await heard('tenant.updated')).toEqual({ id: owner.tenantId, changed: ['name'] })
})

test('a service', async () => {
  const id = idOf(await ask('POST', 'service-accounts', { name: 'one', roles: ['user'] }))
  await ask('PATCH', `service-accounts/${id}`, { name: 'two', roles: ['read_only'], disabled: true })
  expect((await told('serviceAccount.updated')).changes).toEqual({
    name: { from: 'one', to: 'two' },
    roles: { from: ['user'], to: ['read_only'] },
    disabled: { from: false, to: true },
  })
  await ask('DELETE', `service-accounts/${id}`)
  expect((await told('serviceAccount.deleted')).changes).toMatchObject({
    name: { from: 'two' },
    roles: { from: ['read_only'] },
  })
})

test('roles, what they may, who has them, and entries of the ACL are rows like others', async () => {
  const role = idOf(await ask('POST', 'roles', { name: 'guide', permissions: ['folder:read'] }))
  await ask('PATCH', `roles/${role}`, { permissions: ['crate:read'] })
  expect((await told('role.updated')).changes).toEqual({ permissions: { from: ['folder:read'], to: ['crate:read'] } })
  const given = idOf(await ask('POST', 'user-roles', { userId: memberId, role: 'guide' }))
  expect((await told('userRole.created')).changes).toMatchObject({ userId: { to: memberId }, role: { to: 'guide' } })
  await ask('DELETE', `user-roles/${given}`)
  expect((await told('userRole.deleted')).changes).toMatchObject({
    userId: { from: memberId },
    role: { from: 'guide' },
  })
  const principal = { kind: 'user', id: memberId }
  const entry = idOf(await ask('POST', 'acl', { resource: 'folder:read', principal, effect: 'deny' }))
  expect((await told('aclEntry.created')).changes).toMatchObject({ effect: { to: 'deny' }, model: { to: 'folder' } })
  await ask('DELETE', `acl/${entry}`)
  expect((await told('aclEntry.deleted')).changes).toMatchObject({ effect: { from: 'deny' } })
})

test('a member who is gone: what he was', async () => {
  await ask('DELETE', `users/${memberId}`)
  expect((await told('user.deleted')).changes).toEqual({ status: { from: 'active' }, roles: { from: ['user'] } })
})

test('and what the operator says for all', async () => {
  const operator = await walk.platform.signUp()
  await walk.platform.superuser.query('update plinth.users set superadmin = true where id = $1::uuid', [
    operator.userId,
  ])
  walk.platform.database.forget()
  const signed = await walk.platform.call('POST', '/api/v1/auth/login', { email: operator.email, password: PASSWORD })
  const bearer = { authorization: `Bearer ${(signed.json as { access_token: string }).access_token}` }
  const changes = async (action: string): Promise<unknown> => {
    const { data } = (await ask('GET', `admin/audit-logs?action=${action}`, undefined, bearer)) as {
      readonly data: readonly Told[]
    }
    return data[0]!.changes
  }
  await ask('PATCH', 'admin/settings', { 'site.banner': 'b' }, bearer)
  await ask('PATCH', 'admin/settings', { 'site.banner': 'c' }, bearer)
  expect(await changes('setting.updated')).toEqual({ 'site.banner': { from: 'b', to: 'c' } })
  await ask('PATCH', 'admin/feature-flags', { flags: { billing: true } }, bearer)
  expect(await changes('featureFlag.updated')).toEqual({ billing: { to: { enabled: true } } })
})
