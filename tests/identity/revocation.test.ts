import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addPasskey, askToLogIn, logInByPasskey } from './passkeys.ts'
import { openIdentity, PASSWORD, personOf, secondProcess, type Identity, type Person } from './open-identity.ts'

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

/** Asked in the process that did not do it. */
async function elsewhere(bearer: Readonly<Record<string, string>>, path = '/api/v1/crates'): Promise<number> {
  return (await other.send({ method: 'GET', target: path, headers: Object.entries(bearer) })).status
}

/** Sends to the other process. */
function processOf({ send }: typeof other): Pick<Identity, 'call'> {
  const call: Identity['call'] = async (method, target, body, headers = {}) => {
    const all = Object.entries({ ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) })
    const reply = await send({
      method,
      target,
      headers: all,
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    return { ...reply, json: reply.body.startsWith('{') ? (JSON.parse(reply.body) as unknown) : undefined }
  }
  return { call }
}

/** An owner, and somebody whom he invited. */
async function organisation(role: string): Promise<{ owner: Person; member: Person }> {
  const owner = await platform.signUp()
  const email = `member-of-${owner.email}`
  const invited = await platform.call('POST', '/api/v1/invitations', { email, roles: [role] }, owner.bearer)
  expect(invited.status, invited.body).toBe(201)
  await platform.mail.waitFor(email)
  const member = await platform.signUp({ email, invitationToken: platform.linkToken(email) })
  expect(member.tenantId).toBe(owner.tenantId)
  return { owner, member }
}

/** What another process remembers is at most a second old. */
const SECOND = 1_050

describe('refused in every process within a second', () => {
  test('a membership that ended, tokens that are still valid among it', async () => {
    const { owner, member } = await organisation('admin')
    expect(await elsewhere(member.bearer)).toBe(200)
    const removed = await platform.call('DELETE', `/api/v1/users/${member.userId}`, undefined, owner.bearer)
    expect(removed.status, removed.body).toBe(204)
    expect((await platform.call('GET', '/api/v1/crates', undefined, member.bearer)).status).toBeGreaterThanOrEqual(401)
    await sleep(SECOND)
    expect([401, 403]).toContain(await elsewhere(member.bearer))
    expect(await elsewhere(owner.bearer)).toBe(200)
  })

  test('a membership that is suspended, and one that is taken up again', async () => {
    const { owner, member } = await organisation('admin')
    expect(await elsewhere(member.bearer)).toBe(200)
    const change = (status: string): ReturnType<Identity['call']> =>
      platform.call('PATCH', `/api/v1/users/${member.userId}`, { status }, owner.bearer)
    expect((await change('suspended')).status).toBe(200)
    await sleep(SECOND)
    expect([401, 403]).toContain(await elsewhere(member.bearer))
    expect((await change('active')).status).toBe(200)
    const again = await platform.call('POST', '/api/v1/auth/login', { email: member.email, password: PASSWORD })
    expect(await elsewhere(personOf(again, member.email).bearer)).toBe(200)
  })

  test('a role', async () => {
    const { owner, member } = await organisation('admin')
    expect(await elsewhere(member.bearer, '/api/v1/roles')).toBe(200)
    const given = await platform.call(
      'POST',
      '/api/v1/user-roles',
      { userId: member.userId, role: 'user' },
      owner.bearer,
    )
    expect(given.status, given.body).toBe(201)
    const taken = await platform.call(
      'DELETE',
      `/api/v1/user-roles?userId=${member.userId}&role=admin`,
      undefined,
      owner.bearer,
    )
    expect(taken.status, taken.body).toBe(204)
    expect((await platform.call('GET', '/api/v1/roles', undefined, member.bearer)).status).toBe(403)
    await sleep(SECOND)
    expect(await elsewhere(member.bearer, '/api/v1/roles')).toBe(403)
  })

  test('what an entry of the ACL denies, and what one allowed that was taken back', async () => {
    const { owner, member } = await organisation('user')
    const say = async (effect: string, resource: string): Promise<string> => {
      const principal = { kind: 'user', id: member.userId }
      const made = await platform.call('POST', '/api/v1/acl', { resource, principal, effect }, owner.bearer)
      expect(made.status, made.body).toBe(201)
      return (made.json as { readonly id: string }).id
    }
    expect(await elsewhere(member.bearer)).toBe(200)
    const denied = await say('deny', 'Crate.read')
    expect((await platform.call('GET', '/api/v1/crates', undefined, member.bearer)).status).toBe(403)
    await sleep(SECOND)
    expect(await elsewhere(member.bearer)).toBe(403)
    expect((await platform.call('DELETE', `/api/v1/acl/${denied}`, undefined, owner.bearer)).status).toBe(204)
    await sleep(SECOND)
    expect(await elsewhere(member.bearer)).toBe(200)
    expect(await elsewhere(member.bearer, '/api/v1/roles')).toBe(403)
    const allowed = await say('allow', 'Role.read')
    await sleep(SECOND)
    expect(await elsewhere(member.bearer, '/api/v1/roles')).toBe(200)
    expect((await platform.call('DELETE', `/api/v1/acl/${allowed}`, undefined, owner.bearer)).status).toBe(204)
    expect((await platform.call('GET', '/api/v1/roles', undefined, member.bearer)).status).toBe(403)
    await sleep(SECOND)
    expect(await elsewhere(member.bearer, '/api/v1/roles')).toBe(403)
  })

  test('a session that was ended, and one whose refresh token came back', async () => {
    const person = await platform.signUp()
    expect(await elsewhere(person.bearer)).toBe(200)
    const next = await platform.call('POST', '/api/v1/auth/refresh', { refresh_token: person.refreshToken })
    platform.clock.advance(11_000)
    await platform.call('POST', '/api/v1/auth/refresh', { refresh_token: person.refreshToken })
    await sleep(SECOND)
    expect(await elsewhere(personOf(next, '').bearer)).toBe(401)
    expect(await elsewhere(person.bearer)).toBe(401)
  })

  test('a person who is closed for the whole platform', async () => {
    const person = await platform.signUp()
    expect(await elsewhere(person.bearer)).toBe(200)
    await platform.superuser.query(`update plinth.users set status = 'suspended' where id = $1::uuid`, [person.userId])
    await sleep(SECOND)
    expect(await elsewhere(person.bearer)).toBe(401)
    expect(
      (await platform.call('POST', '/api/v1/auth/login', { email: person.email, password: PASSWORD })).status,
    ).toBe(401)
  })

  test('a passkey that was removed, and one of who is closed, at once in every process', async () => {
    const person = await platform.signUp()
    const there = processOf(other)
    const kept = await addPasskey(platform, person.bearer)
    const gone = await addPasskey(platform, person.bearer)
    expect((await logInByPasskey(there, gone.passkey)).status).toBe(200)
    // Begun before, answered after.
    const asked = await askToLogIn(there)
    const removed = await platform.call('DELETE', `/api/v1/auth/mfa/devices/${gone.id}`, undefined, person.bearer)
    expect(removed.status, removed.body).toBe(204)
    const late = { ceremony: asked.ceremony, credential: gone.passkey.get(asked.publicKey) }
    expect((await there.call('POST', '/api/v1/auth/passkeys/login/verify', late)).status).toBe(401)
    expect((await logInByPasskey(there, gone.passkey)).status).toBe(401)
    expect((await logInByPasskey(there, kept.passkey)).status).toBe(200)
    await platform.superuser.query(`update plinth.users set status = 'suspended' where id = $1::uuid`, [person.userId])
    expect((await logInByPasskey(there, kept.passkey)).status).toBe(401)
  })

  test('a passkey opens no tenant any more to who was put out of it', async () => {
    const { owner, member } = await organisation('admin')
    const { passkey } = await addPasskey(platform, member.bearer)
    const before = await logInByPasskey(platform, passkey)
    expect(await elsewhere(personOf(before, '').bearer)).toBe(200)
    const removed = await platform.call('DELETE', `/api/v1/users/${member.userId}`, undefined, owner.bearer)
    expect(removed.status, removed.body).toBe(204)
    await sleep(SECOND)
    expect([401, 403]).toContain(await elsewhere(personOf(before, '').bearer))
    const after = await logInByPasskey(platform, passkey)
    expect([200, 401]).toContain(after.status)
    if (after.status === 200) expect(after.json).toMatchObject({ tenant: null })
    const asked = await askToLogIn(platform)
    const body = { ceremony: asked.ceremony, credential: passkey.get(asked.publicKey), tenant: member.tenantId }
    expect([401, 403]).toContain((await platform.call('POST', '/api/v1/auth/passkeys/login/verify', body)).status)
  })
})
