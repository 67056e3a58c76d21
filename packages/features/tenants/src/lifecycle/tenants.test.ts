import { defineResource, resourceTable, type Feature, type TenantStatus } from '@plinth/core'
import { text } from 'drizzle-orm/pg-core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { peoplePlatform, roleRights, type PeoplePlatform, type Person } from '../../tests/people-platform.ts'
import { nextStatus, transitions, type Transition } from './transitions.ts'

const notes = resourceTable('notes', { title: text().notNull() })
let failing = false
const failingFeature: Feature = {
  name: 'fragile',
  async provision(context) {
    await context.create(notes, { title: 'welcome' })
    if (failing) throw new Error('the last feature of all fails')
  },
}

let platform: PeoplePlatform
let operator: Person
beforeAll(async () => {
  Object.assign(roleRights, { admin: [...roleRights['admin']!, 'tenant:update'] })
  platform = await peoplePlatform({
    resources: [defineResource({ table: notes })],
    features: [failingFeature, { name: 'listener', on: { '*': () => Promise.resolve() } }],
  })
  operator = await platform.person(undefined, { superadmin: true })
})
afterAll(() => platform.close())

const path = '/api/v1/tenants'
const code = (reply: { readonly json: unknown }): unknown => (reply.json as { code?: string } | undefined)?.code
type Ask = Parameters<PeoplePlatform['ask']>
const ask = (
  who: Person,
  method: string,
  place: string,
  body?: unknown,
  more: Ask[4] = {},
): ReturnType<PeoplePlatform['ask']> => platform.ask(who, method, place, body, { in: null, ...more })
const operate = (method: string, place: string, body?: unknown): ReturnType<PeoplePlatform['ask']> =>
  ask(operator, method, place, body, { flags: '.super' })
const events = async (tenantId: string): Promise<readonly unknown[]> =>
  (
    await platform.stored(
      `select type from plinth.events where tenant_id = $1::uuid and type like 'tenant.%' order by seq`,
      [tenantId],
    )
  ).map((row) => row['type'])

async function founded(who?: Person): Promise<{ readonly id: string; readonly slug: string; readonly owner: Person }> {
  const owner = who ?? (await platform.person())
  const reply = await ask(owner, 'POST', path, { name: 'Founded' })
  expect(reply.status, reply.body).toBe(201)
  return { ...(reply.json as { id: string; slug: string }), owner }
}

describe('POST /tenants', () => {
  test('makes the tenant, its owner and what features provision, in one', async () => {
    const owner = await platform.person()
    const reply = await ask(owner, 'POST', path, { name: 'Bright Ideas', slug: 'bright' })
    expect([reply.status, reply.json]).toMatchObject([
      201,
      { slug: 'bright', status: 'active', version: 1, plan: null },
    ])
    const { id } = reply.json as { id: string }
    expect(reply.headers['location']).toBe(`${path}/${id}`)
    expect((await ask(owner, 'GET', '/api/v1/notes', undefined, { in: id })).json).toMatchObject({
      data: [{ title: 'welcome' }],
    })
    expect((await ask(owner, 'GET', path)).json).toMatchObject({ data: [{ id, standing: 'active', roles: ['owner'] }] })
    expect(await events(id)).toEqual(['tenant.created'])
    const taken = await ask(owner, 'POST', path, { name: 'Other', slug: 'bright' })
    expect([taken.status, taken.json]).toMatchObject([409, { errors: [{ path: '/slug', code: 'taken' }] }])
    expect((await ask(owner, 'POST', path, { name: 'Api', slug: 'api' })).status).toBe(409)
    expect((await ask(owner, 'POST', path, { name: 'Id', slug: id })).status).toBe(400)
  })

  test('leaves nothing where the last feature fails', async () => {
    const owner = await platform.person()
    const count = async (): Promise<unknown> =>
      platform.stored(`select (select count(*) from plinth.tenants) as tenants, (select count(*) from plinth.memberships) as members,
        (select count(*) from public.notes) as notes, (select count(*) from plinth.events) as events`)
    const before = await count()
    failing = true
    const reply = await ask(owner, 'POST', path, { name: 'Doomed', slug: 'doomed' }).finally(() => (failing = false))
    expect([reply.status, code(reply)]).toEqual([500, 'internal_error'])
    expect(await count()).toEqual(before)
    expect((await ask(owner, 'POST', path, { name: 'Doomed', slug: 'doomed' })).status).toBe(201)
  })

  test('is for people, not for keys', async () => {
    const owner = await platform.person()
    expect((await ask(owner, 'POST', path, { name: 'X' }, { flags: '.key' })).status).toBe(403)
    expect((await platform.request(platform.a.actors.full, 'POST', path, { name: 'X' })).status).toBe(403)
  })
})

describe('/tenants/:id', () => {
  test('is there for its members and for nobody else', async () => {
    const { id, slug, owner } = await founded()
    const stranger = await platform.person()
    expect((await ask(owner, 'GET', `${path}/${slug}`)).json).toMatchObject({ id, slug })
    const answers = await Promise.all(
      [id, slug, 'nobody', '0193a000-0000-7000-8000-0000000000ff'].flatMap((name) =>
        (['GET', 'PATCH', 'DELETE'] as const).map((method) =>
          ask(stranger, method, `${path}/${name}`, method === 'PATCH' ? {} : undefined),
        ),
      ),
    )
    for (const reply of answers) expect([reply.status, code(reply)]).toEqual([404, 'not_found'])
    const service = platform.a.actors.full
    expect((await platform.request(service, 'GET', `${path}/${platform.a.id}`)).status).toBe(200)
    expect((await platform.request(service, 'GET', `${path}/${platform.b.id}`)).status).toBe(404)
    expect((await platform.request(service, 'GET', path)).json).toMatchObject({ data: [{ id: platform.a.id }] })
  })

  test('is changed by whoever may, under the version that he saw', async () => {
    const { id, owner } = await founded()
    const [admin, user] = [await platform.person(), await platform.person()]
    await platform.join(admin, id, 'admin')
    await platform.join(user, id, 'user')
    expect(code(await ask(user, 'PATCH', `${path}/${id}`, { name: 'Mine' }))).toBe('permission_denied')
    const { headers } = await ask(admin, 'GET', `${path}/${id}`)
    const change = (): ReturnType<PeoplePlatform['ask']> =>
      ask(admin, 'PATCH', `${path}/${id}`, { name: 'Renamed' }, { headers: { 'if-match': headers['etag']! } })
    expect((await change()).json).toMatchObject({ name: 'Renamed', version: 2 })
    expect((await change()).status).toBe(412)
    expect((await ask(admin, 'PATCH', `${path}/${id}`, {})).json).toMatchObject({ version: 2 })
    expect((await ask(owner, 'PATCH', `${path}/${id}`, { plan: 'enterprise' })).status).toBe(403)
    expect((await operate('PATCH', `${path}/${id}`, { plan: 'pro', tier: 'gold' })).json).toMatchObject({
      plan: 'pro',
      tier: 'gold',
    })
    expect((await operate('PATCH', `${path}/${id}`, { tier: null })).json).toMatchObject({ plan: 'pro', tier: null })
  })

  test('asks a second factor of all only when somebody who has one says so', async () => {
    const { id, owner } = await founded()
    expect(code(await ask(owner, 'PATCH', `${path}/${id}`, { requireMfa: true }))).toBe('second_factor_required')
    expect((await ask(owner, 'PATCH', `${path}/${id}`, { requireMfa: true }, { flags: '.mfa' })).status).toBe(200)
    expect(code(await ask(owner, 'GET', '/api/v1/notes', undefined, { in: id }))).toBe('second_factor_required')
    expect((await ask(owner, 'GET', '/api/v1/notes', undefined, { in: id, flags: '.mfa' })).status).toBe(200)
  })

  test('is suspended by the operator alone: read, not changed; closed: neither', async () => {
    const { id, owner } = await founded()
    const inIt = { in: id }
    for (const verb of ['suspend', 'reactivate'])
      expect((await ask(owner, 'POST', `${path}/${id}/${verb}`)).status).toBe(403)
    expect((await operate('POST', `${path}/${id}/suspend`)).json).toMatchObject({ status: 'suspended' })
    expect((await ask(owner, 'GET', '/api/v1/notes', undefined, inIt)).status).toBe(200)
    expect((await ask(owner, 'POST', '/api/v1/notes', { title: 'x' }, inIt)).status).toBe(423)
    expect((await ask(owner, 'PATCH', `${path}/${id}`, { name: 'x' })).status).toBe(423)
    expect((await operate('POST', `${path}/${id}/suspend`)).status).toBe(409)
    expect((await operate('POST', `${path}/${id}/suspend`, { access: 'none' })).json).toMatchObject({
      status: 'closed',
    })
    expect((await ask(owner, 'GET', '/api/v1/notes', undefined, inIt)).status).toBe(423)
    expect((await ask(owner, 'GET', `${path}/${id}`)).json).toMatchObject({ status: 'closed' })
    expect((await operate('POST', `${path}/${id}/reactivate`)).json).toMatchObject({ status: 'active' })
    expect((await ask(owner, 'POST', '/api/v1/notes', { title: 'x' }, inIt)).status).toBe(201)
    expect(await events(id)).toEqual(['tenant.created', 'tenant.suspended', 'tenant.closed', 'tenant.reactivated'])
  })
})

test('states and ways between them are those of the table, whatever is asked in which order', async () => {
  const { id } = await founded()
  const step = async (transition: Transition): Promise<number> => {
    const asked = { suspend: { access: 'read' }, close: { access: 'none' } } as const
    if (transition === 'requestDeletion') return (await operate('DELETE', `${path}/${id}`)).status
    if (transition === 'reactivate') return (await operate('POST', `${path}/${id}/reactivate`)).status
    return (await operate('POST', `${path}/${id}/suspend`, asked[transition])).status
  }
  let status: TenantStatus = 'active'
  const names = Object.keys(transitions) as Transition[]
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...names), { maxLength: 8 }), async (walk) => {
      for (const transition of walk) {
        const next = nextStatus(status, transition)
        const before = (await events(id)).length
        expect(await step(transition)).toBe(next === undefined ? 409 : transition === 'requestDeletion' ? 204 : 200)
        expect((await events(id)).slice(before)).toEqual(next === undefined ? [] : [transitions[transition].event])
        status = next ?? status
        const [row] = await platform.stored('select status, delete_after from plinth.tenants where id = $1::uuid', [id])
        expect(row!['status']).toBe(status)
        expect(row!['delete_after'] !== null).toBe(status === 'pending_deletion')
      }
    }),
    { numRuns: 25 },
  )
})

test('fifty of the operator at once: one of them suspends', async () => {
  const { id } = await founded()
  const answers = await Promise.all(Array.from({ length: 50 }, () => operate('POST', `${path}/${id}/suspend`)))
  expect(answers.filter((reply) => reply.status === 200)).toHaveLength(1)
  expect(await events(id)).toEqual(['tenant.created', 'tenant.suspended'])
})
