import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openIdentity, PASSWORD, type Identity, type Person } from './open-identity.ts'

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
  await platform.call('POST', '/api/v1/auth/email/verify', { token: platform.linkToken(victim.email) })
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
