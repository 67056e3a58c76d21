import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openIdentity, PASSWORD, personOf, type Identity, type Person } from './open-identity.ts'

/** The DNS of these tests. */
const records = new Map<string, readonly (readonly string[])[]>()
let platform: Identity
beforeAll(async () => {
  platform = await openIdentity({ tenants: { resolveTxt: (host) => Promise.resolve(records.get(host) ?? []) } })
}, 120_000)
afterAll(() => platform.close())

const post = (path: string, body: unknown, { bearer }: Pick<Person, 'bearer'>): ReturnType<Identity['call']> =>
  platform.call('POST', `/api/v1${path}`, body, bearer)

describe('/auth/me with a tenant that is not one’s own', () => {
  test('tells a service nothing of it', async () => {
    const stranger = await platform.signUp()
    for (const named of [stranger.tenantId, 'there-is-none']) {
      const reply = await platform.request(platform.a.actors.full, 'GET', '/api/v1/auth/me', undefined, {
        'x-tenant-id': named,
      })
      expect(reply.json).toMatchObject({ kind: 'service', tenant: null, permissions: [] })
    }
  })

  test('tells a key nothing of another tenant of its owner', async () => {
    const owner = await platform.signUp()
    const second = (await post('/tenants', { name: 'Another firm' }, owner)).json as { id: string }
    const { key } = (await post('/auth/api-keys', { name: 'Key', role: 'owner' }, owner)).json as { key: string }
    const ask = (tenant: string): ReturnType<Identity['call']> =>
      platform.call('GET', '/api/v1/auth/me', undefined, { 'x-api-key': key, 'x-tenant-id': tenant })
    expect((await ask(owner.tenantId)).json).toMatchObject({ tenant: { id: owner.tenantId }, roles: ['owner'] })
    expect((await ask(second.id)).json).toMatchObject({ tenant: null, roles: [], permissions: [] })
  })
})

test('more roles than a token holds keep nobody from signing in', async () => {
  const person = await platform.signUp()
  const roles = Array.from({ length: 200 }, (_, at) => `r${at}-${'x'.repeat(58)}`)
  await platform.superuser.query(
    `insert into plinth.user_roles (tenant_id, user_id, role)
     select $1::uuid, $2::uuid, r from unnest($3::text::text[]) r`,
    [person.tenantId, person.userId, `{${roles.join(',')}}`],
  )
  platform.database.forget()
  const login = await platform.call('POST', '/api/v1/auth/login', { email: person.email, password: PASSWORD })
  expect(login.status).toBe(200)
  const { refreshToken, bearer } = personOf(login, person.email)
  const refreshed = await platform.call('POST', '/api/v1/auth/refresh', { refresh_token: refreshToken })
  expect(refreshed.status).toBe(200)
  const me = await platform.call('GET', '/api/v1/auth/me', undefined, bearer)
  expect((me.json as { roles: string[] }).roles).toHaveLength(201)
})

const tokenIn = async (address: string, count = 1): Promise<string> =>
  /#token=([\w-]+)/.exec((await platform.mail.waitFor(address, { count })).text)![1]!

/** Somebody of this tenant, by invitation. */
async function invited(by: Person, email: string, ...roles: readonly string[]): Promise<Person> {
  const reply = await post('/invitations', { email, roles }, by)
  expect(reply.status, reply.body).toBe(201)
  return platform.signUp({ email, invitationToken: await tokenIn(email) })
}

describe('a key of an owner that may do little', () => {
  test('neither demotes him, suspends him nor removes him', async () => {
    const owner = await platform.signUp()
    await invited(owner, 'second-owner@example.com', 'owner')
    await post('/roles', { name: 'people', permissions: ['user:*'] }, owner)
    const { key } = (await post('/auth/api-keys', { name: 'Key', role: 'people' }, owner)).json as { key: string }
    const ask = (method: string, body?: unknown): ReturnType<Identity['call']> =>
      platform.call(method, `/api/v1/users/${owner.userId}`, body, { 'x-api-key': key })
    for (const [method, body] of [
      ['PATCH', { roles: ['read_only'] }],
      ['PATCH', { status: 'suspended' }],
      ['DELETE', undefined],
    ] as const)
      expect((await ask(method, body)).status, method).toBe(403)
    expect((await platform.call('GET', '/api/v1/auth/me', undefined, owner.bearer)).json).toMatchObject({
      roles: ['owner'],
    })
  })
})

describe('an invitation', () => {
  test('gives no more than its sender has on the day when it is taken up', async () => {
    const owner = await platform.signUp()
    const admin = await invited(owner, 'fading-admin@example.com', 'admin')
    await post('/invitations', { email: 'second-self@example.com', roles: ['admin'] }, admin)
    await post('/invitations', { email: 'colleague@example.com', roles: ['user'] }, admin)
    const [admins, users] = [await tokenIn('second-self@example.com'), await tokenIn('colleague@example.com')]
    const demoted = await platform.call('PATCH', `/api/v1/users/${admin.userId}`, { roles: ['user'] }, owner.bearer)
    expect(demoted.status).toBe(200)
    const register = (email: string, invitationToken: string): ReturnType<Identity['call']> =>
      platform.call('POST', '/api/v1/auth/register', { email, password: PASSWORD, invitationToken })
    expect((await register('second-self@example.com', admins)).json).toMatchObject({ code: 'invitation_invalid' })
    expect((await register('colleague@example.com', users)).status).toBe(201)
    // Nothing is used up by the refusal.
    await platform.call('PATCH', `/api/v1/users/${admin.userId}`, { roles: ['admin'] }, owner.bearer)
    expect((await register('second-self@example.com', admins)).status).toBe(201)
  })

  test('is no way to flood a mailbox', async () => {
    const owner = await platform.signUp()
    const replies = []
    for (let count = 0; count < 4; count += 1)
      replies.push(await post('/invitations', { email: 'flooded@example.net', roles: ['user'] }, owner))
    const { id } = replies[0]!.json as { id: string }
    for (let count = 0; count < 4; count += 1) replies.push(await post(`/invitations/${id}/resend`, undefined, owner))
    expect(replies.map(({ status }) => status)).toEqual([201, 201, 201, 201, 200, 429, 429, 429])
  })

  test('keeps what is stored of its token from the runtime login', async () => {
    const [row] = await platform.superuser.query(
      `select has_column_privilege('plinth_app', 'plinth.invitations', 'token_hash', 'select') as hash,
        has_column_privilege('plinth_app', 'plinth.invitations', 'email', 'select') as email`,
    )
    expect(row).toEqual({ hash: false, email: true })
  })
})

test('whoever was put out does not come back by the domain of his address', async () => {
  const owner = await platform.signUp()
  const domain = { domain: 'leavers.com', autoJoin: true }
  const { id, token } = (await post('/domains', domain, owner)).json as { id: string; token: string }
  records.set('_plinth.leavers.com', [[token]])
  expect((await post(`/domains/${id}/verify`, undefined, owner)).status).toBe(200)
  const leaver = await platform.signUp({ email: 'lea@leavers.com' })
  await platform.call('POST', '/api/v1/auth/email/verify', { token: await tokenIn(leaver.email) }, leaver.bearer)
  const join = (): ReturnType<Identity['call']> => post('/tenants/join', undefined, leaver)
  expect((await join()).status).toBe(200)
  const removed = await platform.call('DELETE', `/api/v1/users/${leaver.userId}`, undefined, owner.bearer)
  expect(removed.status).toBe(204)
  expect((await join()).status).toBe(404)
  // Asked again, he does.
  const again = await post('/invitations', { email: leaver.email, roles: ['user'] }, owner)
  const accepted = await post(
    `/invitations/${(again.json as { id: string }).id}/accept`,
    { token: await tokenIn(leaver.email, 2) },
    leaver,
  )
  expect(accepted.status).toBe(200)
})

test('a name in the form of an id founds a tenant, under another slug', async () => {
  const named = '0198f0a6-6f0e-4a56-9a6e-0f8a2c1f3b11'
  const person = await platform.signUp({ organizationName: named })
  const tenant = await platform.call('GET', `/api/v1/tenants/${person.tenantId}`, undefined, person.bearer)
  expect(tenant.json).toMatchObject({ name: named, slug: `team-${named}` })
})

test('tenants are not founded by the thousand', async () => {
  const person = await platform.signUp()
  const statuses = []
  for (let count = 0; count < 22; count += 1) statuses.push((await post('/tenants', { name: 'Many' }, person)).status)
  expect(statuses.filter((status) => status === 201)).toHaveLength(20)
  expect(statuses.at(-1)).toBe(429)
})

test('on one connection, too, the roles of a tenant are read inside the transaction that needs them', async () => {
  const embedded = await openIdentity({ kind: 'pglite' })
  try {
    const owner = await embedded.signUp()
    const ask = (method: string, path: string, body?: unknown): ReturnType<Identity['call']> =>
      embedded.call(method, `/api/v1${path}`, body, owner.bearer)
    await ask('POST', '/roles', { name: 'people', permissions: ['user:*'] })
    const made = await ask('POST', '/users', { email: 'second@example.com', password: PASSWORD, roles: ['user'] })
    const { id } = made.json as { id: string }
    for (const roles of [['people'], ['user']]) {
      embedded.clock.advance(2_000)
      const changed = await ask('PATCH', `/users/${id}`, { roles })
      expect([changed.status, changed.json]).toMatchObject([200, { roles }])
    }
    expect((await ask('DELETE', `/users/${id}`)).status).toBe(204)
  } finally {
    await embedded.close()
  }
}, 120_000)
