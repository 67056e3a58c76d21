import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { peoplePlatform, testKeys, type PeoplePlatform, type Person } from '../../tests/people-platform.ts'

let platform: PeoplePlatform
let ada: Person
beforeAll(async () => {
  const env = { ENVIRONMENT: 'test', PUBLIC_URL: 'https://app.example.com', SECRET_KEYS: testKeys }
  platform = await peoplePlatform({ tenants: { subdomains: true }, plinth: { env } })
  ada = await platform.member('user')
})
afterAll(() => platform.close())

const users = '/api/v1/users'
const refusal = (body: string): string => body.replace(/"requestId":"[^"]*"/, '')

describe('the tenant of a person', () => {
  test('is chosen among those in which he is a member, by id or slug', async () => {
    for (const name of [platform.a.id, platform.a.slug])
      expect((await platform.ask(ada, 'GET', users, undefined, { in: name })).status).toBe(200)
  })

  test('is never another one: what is not his looks like what there is not', async () => {
    const answers = await Promise.all(
      [platform.b.id, platform.b.slug, 'nobody', '0193a000-0000-7000-8000-0000000000ff', '*'].map((name) =>
        platform.ask(ada, 'GET', users, undefined, { in: name }),
      ),
    )
    for (const reply of answers) {
      expect([reply.status, (reply.json as { code: string }).code]).toEqual([403, 'tenant_forbidden'])
      expect(refusal(reply.body)).toBe(refusal(answers[0]!.body))
    }
  })

  test('must be said where the credential does not', async () => {
    const reply = await platform.ask(ada, 'GET', users, undefined, { in: null })
    expect([reply.status, (reply.json as { code: string }).code]).toEqual([400, 'tenant_required'])
    const bound = await platform.ask(ada, 'GET', users, undefined, { in: null, flags: `.in-${platform.a.slug}` })
    expect(bound.status).toBe(200)
  })

  test('comes from the host name, and no other host chooses', async () => {
    const from = async (host: string, flags = ''): Promise<number> =>
      (await platform.ask(ada, 'GET', users, undefined, { in: null, flags, headers: { host } })).status
    expect(await from(`${platform.a.slug}.app.example.com`)).toBe(200)
    expect(await from(`${platform.a.slug.toUpperCase()}.App.Example.com:8443`)).toBe(200)
    expect(await from(`${platform.b.slug}.app.example.com`)).toBe(403)
    expect(await from('nobody.app.example.com', `.in-${platform.a.slug}`)).toBe(403)
    expect(await from(`x.${platform.a.slug}.app.example.com`)).toBe(403)
    for (const host of [
      'app.example.com',
      'www.app.example.com',
      'evil.test',
      `${platform.a.slug}.evil.test`,
      `evilapp.example.com`,
    ])
      expect(await from(host), host).toBe(400)
  })

  test('a suspended or removed member is a stranger', async () => {
    const bob = await platform.member('user')
    expect((await platform.ask(bob, 'GET', users)).status).toBe(200)
    await platform.stored('delete from plinth.memberships where user_id = $1::uuid', [bob.id])
    platform.database.forget()
    expect((await platform.ask(bob, 'GET', users)).status).toBe(403)
  })
})

test('a service is bound to its tenant', async () => {
  const { full } = platform.a.actors
  const get = async (name: string): Promise<number> =>
    (await platform.request(full, 'GET', users, undefined, { 'x-tenant-id': name })).status
  expect([
    await get(platform.a.id),
    await get(platform.a.slug),
    await get(platform.b.slug),
    await get('nobody'),
  ]).toEqual([200, 200, 403, 403])
})

test('people and memberships are listed with their roles, each for himself where that is his right', async () => {
  const list = await platform.ask(ada, 'GET', `${users}?search=${ada.email.slice(0, 12)}&sort=-email`)
  expect(list.json).toMatchObject({ data: [{ id: ada.id, email: ada.email, status: 'active', roles: ['user'] }] })
  expect(list.body).not.toContain('userId"')
  const own = await platform.ask(ada, 'GET', `/api/v1/memberships?userId=${ada.id}`)
  expect(own.json).toMatchObject({ data: [{ id: ada.id, userId: ada.id, roles: ['user'] }] })
  expect(own.body).not.toContain(ada.email)
  for (const query of [`email=${ada.email}`, 'search=person', 'sort=name', 'fields=email'])
    expect((await platform.ask(ada, 'GET', `/api/v1/memberships?${query}`)).status, query).toBe(400)
  expect((await platform.ask(ada, 'GET', `/api/v1/memberships/${ada.id}`)).json).toMatchObject({ userId: ada.id })
  const one = await platform.ask(ada, 'GET', `${users}/${ada.id}`)
  expect([one.status, one.headers['etag']]).toEqual([200, expect.stringMatching(/^"\d+-/)])
})
