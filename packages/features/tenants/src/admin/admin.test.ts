import type { EventRecord } from '@plinth/core'
import { capturedLog } from '@plinth/testing'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { peoplePlatform, type PeoplePlatform, type Person } from '../../tests/people-platform.ts'

const log = capturedLog()
const departed: unknown[] = []
const heard: EventRecord[] = []
const hear = (_: unknown, event: EventRecord): Promise<void> => Promise.resolve(void heard.push(event))
let platform: PeoplePlatform
let operator: Person
beforeAll(async () => {
  platform = await peoplePlatform({
    plinth: { log },
    features: [
      {
        name: 'spy',
        departure: (_, departure) => Promise.resolve(void departed.push(departure)),
        on: { 'user.suspended': hear, 'user.reactivated': hear },
      },
    ],
  })
  platform.database.startBackground()
  operator = await platform.person('operator@example.test', { superadmin: true })
})
afterAll(() => platform.close())

const admin = '/api/v1/admin'
const operate = (method: string, path: string, body?: unknown, flags = '.super'): ReturnType<PeoplePlatform['ask']> =>
  platform.ask(operator, method, `${admin}${path}`, body, { in: null, flags })

test('only operators who have signed in see it', async () => {
  const owner = await platform.member('owner')
  for (const path of ['/tenants', '/users', `/users/${owner.id}`]) {
    expect((await platform.ask(owner, 'GET', `${admin}${path}`, undefined, { in: null })).status).toBe(403)
    expect((await operate('GET', path, undefined, '')).status).toBe(403)
    expect((await operate('GET', path, undefined, '.super.key')).status).toBe(403)
    expect((await platform.request(platform.a.actors.full, 'GET', `${admin}${path}`)).status).toBe(403)
    expect((await operate('GET', path)).status).toBe(200)
  }
})

test('lists are paged and filtered; what is unknown is refused', async () => {
  const ada = await platform.member('user')
  const found = await operate('GET', `/users?email=${ada.email.toUpperCase()}`)
  expect(found.json).toEqual({
    data: [
      {
        id: ada.id,
        email: ada.email,
        username: null,
        name: 'Person',
        status: 'active',
        superadmin: false,
        emailVerified: true,
        createdAt: expect.any(String),
        tenants: [{ id: platform.a.id, slug: platform.a.slug, standing: 'active' }],
      },
    ],
    page: { page: 1, pageSize: 20, hasMore: false, nextCursor: null },
  })
  expect((await operate('GET', `/tenants?slug=${platform.b.slug}`)).json).toMatchObject({
    data: [{ id: platform.b.id }],
  })
  const [one, two] = [await operate('GET', '/tenants?pageSize=1'), await operate('GET', '/tenants?pageSize=1&page=2')]
  expect(one.json).toMatchObject({ page: { hasMore: true } })
  expect((one.json as { data: unknown[] }).data).not.toEqual((two.json as { data: unknown[] }).data)
  expect((await operate('GET', '/tenants?search=%25')).json).toMatchObject({ data: [] })
  for (const query of ['pageSize=101', 'page=0', 'sort=name', 'status=odd', 'slug=a&slug=b'])
    expect((await operate('GET', `/tenants?${query}`)).status, query).toBe(400)
})

test('a user who is suspended is nobody anywhere, and what he holds ends', async () => {
  const ada = await platform.member('user')
  const get = async (): Promise<number> => (await platform.ask(ada, 'GET', '/api/v1/users')).status
  expect(await get()).toBe(200)
  expect((await operate('PATCH', `/users/${ada.id}`, { status: 'suspended' })).json).toMatchObject({
    status: 'suspended',
  })
  expect(departed).toContainEqual({ tenantId: null, userId: ada.id })
  expect(await get()).toBe(403)
  expect((await operate('PATCH', `/users/${ada.id}`, { status: 'active' })).status).toBe(200)
  expect(await get()).toBe(200)
  expect((await operate('PATCH', `/users/${operator.id}`, { status: 'suspended' })).status).toBe(409)
  expect((await operate('PATCH', '/users/0193a000-0000-7000-8000-0000000000ff', { status: 'active' })).status).toBe(404)
  expect((await operate('PATCH', `/users/${ada.id}`, { status: 'closed' })).status).toBe(400)
})

test('every tenant of a user learns that he was suspended, once, and the log does', async () => {
  const ada = await platform.member('user')
  await platform.join(ada, platform.b.id, 'user')
  const told = (): readonly EventRecord[] => heard.filter(({ key }) => key === ada.id)
  for (const status of ['suspended', 'suspended', 'active'])
    expect((await operate('PATCH', `/users/${ada.id}`, { status })).status).toBe(200)
  await vi.waitFor(() => expect(told().length).toBe(4), { timeout: 10_000 })
  for (const { id: tenantId } of [platform.a, platform.b])
    expect(told().filter((event) => event.tenantId === tenantId)).toMatchObject(
      ['user.suspended', 'user.reactivated'].map((type) => ({
        type,
        actor: { id: operator.id },
        data: { id: ada.id },
      })),
    )
  const lines = log.of('account_status_changed').filter(({ fields }) => fields?.['user'] === ada.id)
  expect(lines.map(({ fields }) => [fields['by'], fields['status']])).toEqual([
    [operator.id, 'suspended'],
    [operator.id, 'active'],
  ])
})
