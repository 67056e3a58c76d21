import { changeStanding, heldRoles } from '@plinth/core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { askWith, keyOf, memberOf, type MadeKey } from '../../tests/api-keys.ts'
import { openAuth, type AuthPeer, type AuthPlatform, type SignedUp } from '../../tests/open-auth.ts'

let platform: AuthPlatform
let peer: AuthPeer
let owner: SignedUp
beforeAll(async () => {
  platform = await openAuth()
  peer = await platform.peer()
  owner = await platform.signUp()
}, 120_000)
afterAll(async () => {
  await peer.close()
  await platform.close()
})

type Reply = Awaited<ReturnType<AuthPlatform['call']>>
const code = (reply: Reply): unknown => (reply.json as { code?: string } | undefined)?.code
const ask = (
  who: Pick<SignedUp, 'bearer'>,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> => platform.call(method, `/api/v1/service-accounts${path}`, body, { ...who.bearer, ...headers })

interface Service {
  readonly id: string
  readonly etag: string
}

async function service(roles: readonly string[], who = owner): Promise<Service> {
  const reply = await ask(who, 'POST', '', { name: 'Deployment', roles })
  expect(reply.status, reply.body).toBe(201)
  return { id: (reply.json as { id: string }).id, etag: reply.headers['etag']! }
}

async function serviceKey({ id }: Service, who = owner, more: object = {}): Promise<MadeKey> {
  const reply = await ask(who, 'POST', `/${id}/keys`, { name: 'Pipeline', ...more })
  expect(reply.status, reply.body).toBe(201)
  return reply.json as MadeKey
}

test('a service is set up, listed, changed under the version that was seen, and removed', async () => {
  const made = await ask(owner, 'POST', '', {
    name: ' Deployment ',
    description: 'Publishes',
    roles: ['reader', 'reader'],
  })
  expect([made.status, made.json]).toMatchObject([201, { name: 'Deployment', roles: ['reader'], disabledAt: null }])
  const { id } = made.json as { id: string }
  expect(made.headers['location']).toBe(`/api/v1/service-accounts/${id}`)
  const list = await ask(owner, 'GET', '?name=Deployment')
  expect((list.json as { data: { id: string }[] }).data.map((one) => one.id)).toContain(id)
  const etag = { 'if-match': made.headers['etag']! }
  expect((await ask(owner, 'PATCH', `/${id}`, { description: 'Other' }, etag)).json).toMatchObject({
    name: 'Deployment',
    description: 'Other',
    roles: ['reader'],
  })
  expect(code(await ask(owner, 'PATCH', `/${id}`, { name: 'x' }, etag))).toBe('version_mismatch')
  expect((await ask(owner, 'DELETE', `/${id}`)).status).toBe(204)
  expect((await ask(owner, 'GET', `/${id}`)).status).toBe(404)
})

test('its key comes in as the service, with the rights of its roles as they are now', async () => {
  const one = await service(['reader'])
  const { key, role } = await serviceKey(one)
  expect(role).toBeNull()
  const me = await askWith(platform, key, '/api/v1/auth/me')
  expect(me.json).toMatchObject({ kind: 'service', user: null, tenant: { id: owner.tenantId }, roles: ['reader'] })
  expect((await askWith(platform, key)).status).toBe(200)
  const make = (): Promise<Reply> => askWith(platform, key, '/api/v1/crates', 'POST', {})
  expect(code(await make())).toBe('permission_denied')
  expect((await ask(owner, 'PATCH', `/${one.id}`, { roles: ['ruler'] })).status).toBe(200)
  expect(code(await make())).not.toBe('permission_denied')
})

test('it owns no tenant, whoever would have it so', async () => {
  const fault = { status: 400, errors: [{ path: '/roles', code: 'people_only' }] }
  expect((await ask(owner, 'POST', '', { name: 'x', roles: ['owner'] })).json).toMatchObject(fault)
  const one = await service(['reader'])
  expect((await ask(owner, 'PATCH', `/${one.id}`, { roles: ['reader', 'owner'] })).json).toMatchObject(fault)
})

test('its roles lie beside those of people, and change with it', async () => {
  const one = await service(['reader', 'manager'])
  const rows = (): Promise<readonly string[]> =>
    platform.database.system(async (system) => heldRoles(system, owner.tenantId, { serviceAccountId: one.id }))
  expect(await rows()).toEqual(['manager', 'reader'])
  const changed = await ask(owner, 'PATCH', `/${one.id}`, { roles: ['user', 'reader'] })
  // One change, one version.
  expect(changed.json).toMatchObject({ roles: ['reader', 'user'], version: 2 })
  expect(await rows()).toEqual(['reader', 'user'])
  expect((await ask(owner, 'DELETE', `/${one.id}`)).status).toBe(204)
  expect(await rows()).toEqual([])
})

test('it survives whoever set it up', async () => {
  const member = await memberOf(platform, owner.tenantId, 'owner')
  const one = await service(['reader'], member)
  const { key } = await serviceKey(one, member)
  const own = await keyOf(platform, member)
  await platform.database.system((system) =>
    changeStanding(platform.parts, system, { tenantId: owner.tenantId, userId: member.userId, to: 'removed' }),
  )
  expect((await askWith(platform, key)).status).toBe(200)
  await vi.waitFor(async () => expect((await askWith(platform, own.key)).status).toBe(401), { timeout: 5_000 })
  expect((await askWith(platform, key)).status).toBe(200)
})

test('disabling it ends its keys, in the other process within a second; enabling brings none back', async () => {
  const one = await service(['reader'])
  const { key } = await serviceKey(one)
  expect((await askWith(peer, key)).status).toBe(200)
  const disabled = await ask(owner, 'PATCH', `/${one.id}`, { disabled: true })
  expect((disabled.json as { disabledAt: string | null }).disabledAt).not.toBeNull()
  expect((await askWith(platform, key)).status).toBe(401)
  await vi.waitFor(async () => expect((await askWith(peer, key)).status).toBe(401), { timeout: 5_000 })
  expect((await ask(owner, 'POST', `/${one.id}/keys`, { name: 'x' })).status).toBe(409)
  expect((await ask(owner, 'PATCH', `/${one.id}`, { disabled: false })).json).toMatchObject({ disabledAt: null })
  expect((await askWith(platform, key)).status).toBe(401)
  expect((await askWith(platform, (await serviceKey(one)).key)).status).toBe(200)
})

test('removing it takes its keys along', async () => {
  const one = await service(['reader'])
  const { key } = await serviceKey(one)
  expect((await ask(owner, 'DELETE', `/${one.id}`)).status).toBe(204)
  expect((await askWith(platform, key)).status).toBe(401)
})

test('keys are listed, rotated and revoked under their service alone', async () => {
  const [one, other] = [await service(['reader']), await service(['reader'])]
  const { id, key } = await serviceKey(one, owner, { ipRanges: ['10.0.0.0/8'] })
  const { key: open } = await serviceKey(one)
  const keys = await ask(owner, 'GET', `/${one.id}/keys`)
  expect(keys.json).toMatchObject({ data: [{ role: null }, { role: null }] })
  expect(keys.body).not.toContain(key)
  expect((await askWith(platform, key)).status).toBe(401)
  expect((await ask(owner, 'DELETE', `/${other.id}/keys/${id}`)).status).toBe(404)
  expect((await ask(owner, 'POST', `/${other.id}/keys/${id}/rotate`)).status).toBe(404)
  const openId = (await askWith(platform, open, '/api/v1/auth/api-keys')).json as { data: { id: string }[] }
  expect(openId.data).toHaveLength(1)
  const rotated = await ask(owner, 'POST', `/${one.id}/keys/${openId.data[0]!.id}/rotate`)
  const next = (rotated.json as { key: string }).key
  expect([(await askWith(platform, open)).status, (await askWith(platform, next)).status]).toEqual([200, 200])
  expect((await ask(owner, 'DELETE', `/${one.id}/keys/${openId.data[0]!.id}`)).status).toBe(204)
  expect([(await askWith(platform, open)).status, (await askWith(platform, next)).status]).toEqual([401, 401])
  const own = (await platform.call('GET', '/api/v1/auth/api-keys', undefined, owner.bearer)).json as { data: unknown[] }
  expect(own.data).toEqual([])
})

test('nobody makes, changes or gets at a service that may do more than he may himself', async () => {
  const manager = await memberOf(platform, owner.tenantId, 'manager')
  expect((await ask(manager, 'POST', '', { name: 'x', roles: ['owner'] })).status).toBe(403)
  expect((await ask(manager, 'POST', '', { name: 'x', roles: ['emperor'] })).status).toBe(400)
  const strong = await service(['ruler'])
  for (const [method, path, body] of [
    ['PATCH', '', { name: 'Mine' }],
    ['POST', '/keys', { name: 'Mine' }],
    ['DELETE', '', undefined],
  ] as const)
    expect((await ask(manager, method, `/${strong.id}${path}`, body)).status, `${method} ${path}`).toBe(403)
  const weak = await service(['manager'], manager)
  expect((await ask(manager, 'PATCH', `/${weak.id}`, { roles: ['owner'] })).status).toBe(403)
  const { key } = await serviceKey(weak, manager)
  expect((await askWith(platform, key, '/api/v1/service-accounts')).status).toBe(200)
  // Neither a service nor a person's key makes a key.
  const held = await keyOf(platform, owner)
  for (const program of [key, held.key])
    expect(
      code(await askWith(platform, program, `/api/v1/service-accounts/${weak.id}/keys`, 'POST', { name: 'x' })),
    ).toBe('permission_denied')
})

test('another tenant’s is not there', async () => {
  const one = await service(['reader'])
  const { id } = await serviceKey(one)
  const stranger = await platform.signUp()
  for (const [method, path, body] of [
    ['GET', '', undefined],
    ['PATCH', '', { name: 'x' }],
    ['DELETE', '', undefined],
    ['GET', '/keys', undefined],
    ['POST', '/keys', { name: 'x' }],
    ['POST', `/keys/${id}/rotate`, undefined],
    ['DELETE', `/keys/${id}`, undefined],
  ] as const)
    expect((await ask(stranger, method, `/${one.id}${path}`, body)).status, `${method} ${path}`).toBe(404)
})
