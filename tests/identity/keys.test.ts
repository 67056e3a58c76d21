import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { openIdentity, secondProcess, type Identity, type Person } from './open-identity.ts'

let platform: Identity
let other: ReturnType<typeof secondProcess>
beforeAll(async () => {
  platform = await openIdentity()
  other = secondProcess(platform)
}, 120_000)
afterAll(async () => {
  await other.close()
  await platform.close()
})

type Reply = Awaited<ReturnType<Identity['call']>>

/** Asked in the process that did not do it. */
async function elsewhere(key: string, path = '/api/v1/crates'): Promise<number> {
  return (await other.send({ method: 'GET', target: path, headers: [['x-api-key', key]] })).status
}

async function organisation(role: string): Promise<{ owner: Person; member: Person }> {
  const owner = await platform.signUp()
  const email = `guest-of-${owner.email}`
  await platform.call('POST', '/api/v1/invitations', { email, roles: [role] }, owner.bearer)
  await platform.mail.waitFor(email)
  return { owner, member: await platform.signUp({ email, invitationToken: platform.linkToken(email) }) }
}

const make = (who: Person, role: string): Promise<Reply> =>
  platform.call('POST', '/api/v1/auth/api-keys', { name: 'Agent', role }, who.bearer)
const keyIn = (reply: Reply): string => (reply.json as { key: string }).key

test('roles that are built in: who may make keys, and for what', async () => {
  const { owner, member: developer } = await organisation('developer')
  const { member: user } = await organisation('user')
  for (const [who, role, status] of [
    [owner, 'owner', 201],
    [owner, 'read_only', 201],
    [developer, 'developer', 201],
    [developer, 'read_only', 201],
    [developer, 'admin', 403],
    [developer, 'owner', 403],
    [user, 'user', 403],
  ] as const) {
    const reply = await make(who, role)
    expect(reply.status, `${role}: ${reply.body}`).toBe(status)
  }
  const key = keyIn(await make(developer, 'read_only'))
  const ask = (method: string, path: string): Promise<Reply> =>
    platform.call(method, path, method === 'GET' ? undefined : {}, { 'x-api-key': key })
  expect((await ask('GET', '/api/v1/crates')).status).toBe(200)
  for (const path of ['/api/v1/crates', '/api/v1/roles', '/api/v1/invitations', '/api/v1/users'])
    expect((await ask('POST', path)).status, path).toBe(403)
})

test.each(['suspended', 'removed'])('keys of who is %s end by the same request, in every process', async (how) => {
  const { owner, member } = await organisation('developer')
  const key = keyIn(await make(member, 'developer'))
  expect(await elsewhere(key)).toBe(200)
  const path = `/api/v1/users/${member.userId}`
  const reply =
    how === 'removed'
      ? await platform.call('DELETE', path, undefined, owner.bearer)
      : await platform.call('PATCH', path, { status: 'suspended' }, owner.bearer)
  expect(reply.status, reply.body).toBeLessThan(300)
  expect((await platform.call('GET', '/api/v1/crates', undefined, { 'x-api-key': key })).status).toBeGreaterThan(400)
  await vi.waitFor(async () => expect(await elsewhere(key)).toBe(401), { timeout: 5_000 })
  if (how === 'removed') return
  await platform.call('PATCH', path, { status: 'active' }, owner.bearer)
  await vi.waitFor(async () => expect(await elsewhere(key)).toBe(401), { timeout: 5_000 })
})

test('a role that is taken from its owner is taken from a key', async () => {
  const { owner, member } = await organisation('admin')
  const key = keyIn(await make(member, 'admin'))
  expect(await elsewhere(key, '/api/v1/roles')).toBe(200)
  await platform.call('POST', '/api/v1/user-roles', { userId: member.userId, role: 'user' }, owner.bearer)
  const query = `userId=${member.userId}&role=admin`
  const taken = await platform.call('DELETE', `/api/v1/user-roles?${query}`, undefined, owner.bearer)
  expect(taken.status, taken.body).toBe(204)
  await vi.waitFor(async () => expect(await elsewhere(key, '/api/v1/roles')).toBe(403), { timeout: 5_000 })
})
