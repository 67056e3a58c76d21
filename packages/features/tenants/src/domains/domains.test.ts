import type { Platform } from '@plinth/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { peoplePlatform, written, type PeoplePlatform, type Person } from '../../tests/people-platform.ts'
import { admitBy } from '../directory/admit.ts'

/** The DNS of these tests. */
const records = new Map<string, readonly (readonly string[])[]>()
let failure: string | undefined
async function resolveTxt(host: string): Promise<readonly (readonly string[])[]> {
  if (failure !== undefined) throw Object.assign(new Error(failure), { code: failure })
  const found = records.get(host)
  if (!found) throw Object.assign(new Error('no such host'), { code: 'ENOTFOUND' })
  return Promise.resolve(found)
}

let platform: PeoplePlatform
let parts: Platform
let admin: Person
let other: Person
beforeAll(async () => {
  platform = await peoplePlatform({
    tenants: { resolveTxt },
    features: [{ name: 'spy', start: (started) => void (parts = started) }],
  })
  other = await platform.person()
  await platform.join(other, platform.b.id, 'owner')
  await platform.member('owner')
})
beforeEach(async () => {
  admin = await platform.member('admin')
})
afterAll(() => platform.close())

const path = '/api/v1/domains'
const code = (reply: { readonly json: unknown }): unknown => (reply.json as { code?: string } | undefined)?.code
let count = 0
const fresh = (): string => `acme${(count += 1)}.com`

async function added(
  domain: string,
  who = admin,
  tenant = platform.a.id,
  more: object = {},
): Promise<{ id: string; token: string }> {
  const reply = await platform.ask(who, 'POST', path, { domain, ...more }, { in: tenant })
  expect(reply.status, reply.body).toBe(201)
  return reply.json as { id: string; token: string }
}
const verify = (id: string, who = admin, tenant = platform.a.id): ReturnType<PeoplePlatform['ask']> =>
  platform.ask(who, 'POST', `${path}/${id}/verify`, undefined, { in: tenant })

async function owned(domain: string, more: object = {}): Promise<string> {
  const { id, token } = await added(domain, admin, platform.a.id, more)
  records.set(`_plinth.${domain}`, [['v=spf1 -all'], [token.slice(0, 20), token.slice(20)]])
  expect((await verify(id)).status).toBe(200)
  return id
}

describe('a domain', () => {
  test('is proven by the DNS', async () => {
    const domain = fresh()
    const { id, token } = await added(domain)
    expect(token).toMatch(/^plinth-verification=[0-9a-f]{64}$/)
    expect(code(await verify(id))).toBe('domain_unverified')
    records.set(`_plinth.${domain}`, [[`${token}x`], ['plinth-verification=']])
    expect(code(await verify(id))).toBe('domain_unverified')
    records.set(`_plinth.${domain}`, [['other'], [token.slice(0, 30), token.slice(30)]])
    const verified = await verify(id)
    expect([verified.status, verified.json]).toMatchObject([200, { domain, verifiedAt: expect.any(String) }])
    expect((await verify(id)).status).toBe(200)
    failure = 'ETIMEOUT'
    const down = await verify(id).finally(() => (failure = undefined))
    expect([down.status, code(down)]).toEqual([503, 'unavailable'])
  })

  test('is nobody’s who only says so, and not everybody’s', async () => {
    for (const domain of ['gmail.com', 'co.uk', 'localhost', 'acme', 'https://acme.com', 'a@acme.com'])
      expect((await platform.ask(admin, 'POST', path, { domain })).status, domain).toBe(400)
    const given = await added(fresh(), admin, platform.a.id, { token: 'mine', verifiedAt: '2020-01-01T00:00:00Z' })
    expect(given).toMatchObject({ token: expect.stringContaining('plinth-verification='), verifiedAt: null })
    const user = await platform.member('user')
    expect((await platform.ask(user, 'POST', path, { domain: fresh() })).status).toBe(403)
    expect((await verify(given.id, other, platform.b.id)).status).toBe(404)
  })

  test('is one tenant’s: of two that prove it at once one has it, twenty rounds', async () => {
    for (let round = 0; round < 20; round += 1) {
      const domain = fresh()
      const [mine, theirs] = [await added(domain), await added(domain, other, platform.b.id)]
      records.set(`_plinth.${domain}`, [[mine.token], [theirs.token]])
      const answers = await Promise.all([verify(mine.id), verify(theirs.id, other, platform.b.id)])
      expect(answers.map((reply) => reply.status).sort((left, right) => left - right)).toEqual([200, 409])
      expect(
        await platform.stored('select domain from plinth.verified_domains where domain = $1::text', [domain]),
      ).toHaveLength(1)
    }
  })

  test('is free again when its owner lets it go', async () => {
    const domain = fresh()
    const id = await owned(domain)
    const theirs = await added(domain, other, platform.b.id)
    records.set(`_plinth.${domain}`, [[theirs.token]])
    expect((await verify(theirs.id, other, platform.b.id)).status).toBe(409)
    expect((await platform.ask(admin, 'DELETE', `${path}/${id}`)).status).toBe(204)
    expect((await verify(theirs.id, other, platform.b.id)).status).toBe(200)
  })
})

describe('joining by it', () => {
  const join = (who: Person): ReturnType<PeoplePlatform['ask']> =>
    platform.ask(who, 'POST', '/api/v1/tenants/join', undefined, { in: null })

  test('is for people with a verified address in it, where the tenant wants that', async () => {
    const [open, shut] = [fresh(), fresh()]
    await owned(open, { autoJoin: true })
    await owned(shut)
    const ada = await platform.person(`ada@${open.toUpperCase()}`)
    expect((await join(ada)).json).toEqual({ tenant: expect.objectContaining({ id: platform.a.id }), roles: ['user'] })
    expect((await platform.ask(ada, 'GET', '/api/v1/users')).status).toBe(200)
    expect((await join(ada)).status).toBe(200)
    const unverified = await platform.person(`bob@${open}`, { verified: false })
    expect(code(await join(unverified))).toBe('email_unverified')
    for (const email of [`carl@${shut}`, `dora@sub.${open}`, `eve@not${open}`, `fay@${open}.evil.com`])
      expect((await join(await platform.person(email))).status, email).toBe(404)
  })

  test('happens at registration too, and not by an address that is only said', async () => {
    const domain = fresh()
    await owned(domain, { autoJoin: true })
    const admit = async (emailVerified: boolean): Promise<unknown> => {
      const { id: userId, email } = await platform.person(`p${(count += 1)}@${domain}`)
      const newcomer = { userId, email, emailVerified, name: 'Newcomer', organizationName: 'Own' }
      return platform.database.system((system) => admitBy('found')(parts, system, newcomer))
    }
    expect(await admit(true)).toMatchObject({ id: platform.a.id })
    expect(await admit(false)).toMatchObject({ name: 'Own' })
  })
})

describe('the accounts of its people', () => {
  test('may be changed by its owner, and moved within its domains alone', async () => {
    const domain = fresh()
    await owned(domain)
    const ada = await platform.person(`ada@${domain}`)
    await platform.join(ada, platform.a.id, 'user')
    const change = (body: object, who = admin, flags = ''): ReturnType<PeoplePlatform['ask']> =>
      platform.ask(who, 'PATCH', `/api/v1/users/${ada.id}`, body, { flags })
    expect((await change({ email: `ada.lovelace@${domain}` })).json).toMatchObject({ email: `ada.lovelace@${domain}` })
    expect((await change({ password: 'set by the organisation' })).status).toBe(200)
    expect(written.at(-1)).toMatchObject({ userId: ada.id })
    expect((await change({ email: 'ada@elsewhere.com' })).status).toBe(403)
    expect((await change({ name: 'x' }, admin, '.key')).status).toBe(403)
    const user = await platform.member('user')
    expect((await change({ name: 'x' }, user)).status).toBe(403)
  })

  test('not those of others, of its owners, or of operators', async () => {
    const domain = fresh()
    await owned(domain)
    const [stranger, boss] = [await platform.person(`a@${fresh()}`), await platform.person(`boss@${domain}`)]
    const operator = await platform.person(`op@${domain}`, { superadmin: true })
    await platform.join(stranger, platform.a.id, 'user')
    await platform.join(boss, platform.a.id, 'owner')
    await platform.join(operator, platform.a.id, 'user')
    for (const target of [stranger, boss, operator])
      for (const body of [{ password: 'known to the thief!' }, { email: `x@${domain}` }])
        expect((await platform.ask(admin, 'PATCH', `/api/v1/users/${target.id}`, body)).status, target.email).toBe(403)
    await platform.stored('update plinth.users set email = null where id = $1::uuid', [stranger.id])
    expect((await platform.ask(admin, 'PATCH', `/api/v1/users/${stranger.id}`, { email: `x@${domain}` })).status).toBe(
      403,
    )
  })
})
