import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openIdentity, PASSWORD, personOf, type Identity, type Person } from './open-identity.ts'

let platform: Identity
beforeAll(async () => {
  platform = await openIdentity()
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
