import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { softPasskey } from '@plinth/testing'
import { openIdentity, PASSWORD, PUBLIC_URL, type Identity, type Person } from './open-identity.ts'
import { addPasskey, askToRegister, logInByPasskey } from './passkeys.ts'

let platform: Identity
let admin: Person
let victim: Person
beforeAll(async () => {
  platform = await openIdentity()
  const owner = await platform.signUp()
  const invite = async (email: string, role: string): Promise<void> => {
    const reply = await platform.call('POST', '/api/v1/invitations', { email, roles: [role] }, owner.bearer)
    if (reply.status !== 201) throw new Error(reply.body)
    await platform.mail.waitFor(email)
  }
  await invite('the-admin@example.com', 'admin')
  admin = await platform.signUp({
    email: 'the-admin@example.com',
    invitationToken: platform.linkToken('the-admin@example.com'),
  })
  // Has an organisation of its own, and joins the admin's.
  victim = await platform.signUp()
  await platform.mail.waitFor(victim.email)
  await platform.call('POST', '/api/v1/auth/email/verify', { token: platform.linkToken(victim.email) }, victim.bearer)
  platform.mail.clear()
  await invite(victim.email, 'user')
  const [invitation] = (
    (
      await platform.call(
        'GET',
        `/api/v1/invitations?email=${encodeURIComponent(victim.email)}`,
        undefined,
        owner.bearer,
      )
    ).json as {
      data: { id: string }[]
    }
  ).data
  const accepted = await platform.call(
    'POST',
    `/api/v1/invitations/${invitation!.id}/accept`,
    { token: platform.linkToken(victim.email) },
    victim.bearer,
  )
  if (accepted.status >= 300) throw new Error(accepted.body)
}, 120_000)
afterAll(() => platform.close())

const whole = async (): Promise<unknown> =>
  platform.superuser.query(
    `select u.*, p.hash, (select count(*)::int from plinth.sessions s where s.owner_user_id = u.id and s.ended_at is null) as alive
     from plinth.users u join plinth.passwords p on p.user_id = u.id where u.id = $1::uuid`,
    [victim.userId],
  )

describe('an admin who has somebody as a member', () => {
  test.each([
    ['PATCH', { email: 'the-admin+1@example.com' }],
    ['PATCH', { password: 'a password of the admin' }],
    ['PATCH', { username: 'taken-over' }],
    ['PATCH', { email: 'the-admin+1@example.com', password: 'a password of the admin', emailVerified: true }],
    ['PUT', { email: 'the-admin+1@example.com', password: 'a password of the admin', status: 'active' }],
    ['PATCH', { userId: 'x', id: 'x', ownerUserId: 'x', superadmin: true, mfa: null }],
  ])('cannot take the account over by %s %j', async (method, body) => {
    const before = await whole()
    const reply = await platform.call(method, `/api/v1/users/${victim.userId}`, body, admin.bearer)
    expect(reply.status, reply.body).toBeLessThan(500)
    expect(await whole()).toEqual(before)
    expect((await platform.call('GET', '/api/v1/auth/me', undefined, victim.bearer)).status).toBe(200)
  })

  test('cannot take it over by making it once more', async () => {
    const before = await whole()
    const reply = await platform.call(
      'POST',
      '/api/v1/users',
      { email: victim.email, password: 'a password of the admin', roles: ['user'] },
      admin.bearer,
    )
    expect(reply.status).toBeGreaterThanOrEqual(400)
    expect(await whole()).toEqual(before)
    expect(
      (await platform.call('POST', '/api/v1/auth/login', { email: victim.email, password: PASSWORD })).status,
    ).toBe(200)
  })

  test('does not become an owner, nor put one out', async () => {
    const give = await platform.call(
      'POST',
      '/api/v1/user-roles',
      { userId: admin.userId, role: 'owner' },
      admin.bearer,
    )
    expect(give.status).toBe(403)
    const list = await platform.call('GET', '/api/v1/user-roles?role=owner', undefined, admin.bearer)
    const owner = (list.json as { data: { userId: string }[] }).data[0]!.userId
    expect((await platform.call('DELETE', `/api/v1/users/${owner}`, undefined, admin.bearer)).status).toBe(403)
    const strip = await platform.call(
      'DELETE',
      `/api/v1/user-roles?userId=${owner}&role=owner`,
      undefined,
      admin.bearer,
    )
    expect(strip.status).toBe(403)
    const suspend = await platform.call('PATCH', `/api/v1/users/${owner}`, { status: 'suspended' }, admin.bearer)
    expect(suspend.status).toBe(403)
  })
})

describe('by a passkey', () => {
  const code = (reply: { readonly json: unknown }): unknown => (reply.json as { code?: string }).code

  test('an admin gives nobody one, and takes none away', async () => {
    const { id } = await addPasskey(platform, victim.bearer)
    const before = await whole()
    const devices = async (): Promise<unknown> =>
      platform.superuser.query('select * from plinth.mfa_devices where user_id = $1::uuid', [victim.userId])
    const factors = await devices()
    const mine = softPasskey({ origin: PUBLIC_URL })
    const { ceremony, publicKey } = await askToRegister(platform, admin.bearer)
    const named = { userId: victim.userId, user: { id: victim.userId }, email: victim.email }
    const attacks: readonly [string, string, object | undefined][] = [
      ['DELETE', `/api/v1/auth/mfa/devices/${id}`, undefined],
      ['PATCH', `/api/v1/auth/mfa/devices/${id}`, { name: 'Mine', userId: admin.userId }],
      ['GET', `/api/v1/auth/mfa/devices/${id}`, undefined],
      ['PATCH', `/api/v1/users/${victim.userId}`, { passkeys: [], mfaDevices: [], factors: [] }],
      ['POST', '/api/v1/auth/passkeys/register/options', named],
      ['POST', '/api/v1/auth/passkeys/register/verify', { ceremony, credential: mine.create(publicKey), ...named }],
    ]
    for (const [method, path, body] of attacks)
      expect((await platform.call(method, path, body, admin.bearer)).status, path).toBeLessThan(500)
    expect([await whole(), await devices()]).toEqual([before, factors])
    // What was registered is the admin's own.
    const login = await logInByPasskey(platform, mine)
    const bearer = { authorization: `Bearer ${(login.json as { access_token: string }).access_token}` }
    const me = await platform.call('GET', '/api/v1/auth/me', undefined, bearer)
    expect(me.json).toMatchObject({ user: { id: admin.userId } })
  })

  test('who was in an account before its owner took it back is not in it again', async () => {
    // Somebody registers an address that is not his, and leaves a passkey there.
    const planted = await platform.signUp({ email: 'the-owner@example.com' })
    const { passkey } = await addPasskey(platform, planted.bearer)
    await platform.mail.waitFor(planted.email, { count: 2 })
    expect((await logInByPasskey(platform, passkey)).status).toBe(200)
    platform.mail.clear()
    platform.clock.advance(60_000)
    await platform.call('POST', '/api/v1/auth/password/forgot', { email: planted.email })
    await platform.mail.waitFor(planted.email)
    const password = 'the pass phrase of the owner'
    const reset = await platform.call('POST', '/api/v1/auth/password/reset', {
      token: platform.linkToken(planted.email),
      password,
    })
    expect(reset.status, reset.body).toBe(204)
    expect((await platform.call('GET', '/api/v1/auth/me', undefined, planted.bearer)).status).toBe(401)
    expect(code(await logInByPasskey(platform, passkey))).toBe('passkey_refused')
    // Nor is the owner asked for a factor that is not his.
    const login = await platform.call('POST', '/api/v1/auth/login', { email: planted.email, password })
    expect(login.json).toHaveProperty('access_token')
  })

  test('a session that was stolen adds none later than ten minutes after it was signed in', async () => {
    const person = await platform.signUp()
    platform.clock.advance(11 * 60_000)
    const ask = await platform.call('POST', '/api/v1/auth/passkeys/register/options', {}, person.bearer)
    expect(code(ask)).toBe('proof_required')
    const key = { 'x-api-key': 'plk_nonsense' }
    expect((await platform.call('POST', '/api/v1/auth/passkeys/register/options', {}, key)).status).toBe(401)
  })
})
