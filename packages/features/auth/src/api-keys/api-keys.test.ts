import { addMember, changeStanding, statement } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { askWith, keyOf, memberOf } from '../../tests/api-keys.ts'
import { withFactor } from '../../tests/second-factor.ts'
import { openAuth, PASSWORD, type AuthPeer, type AuthPlatform, type SignedUp } from '../../tests/open-auth.ts'
import { makeApiKey } from './key-format.ts'

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
const post = (path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Reply> =>
  platform.call('POST', `/api/v1/${path}`, body, headers)
const stored = (text: string, ...parameters: string[]): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  platform.superuser.query(text, parameters)

describe('a key', () => {
  test('is shown once, is stored as a hash, and opens its tenant by either header', async () => {
    const reply = await post('auth/api-keys', { name: ' Export ', role: 'reader' }, owner.bearer)
    expect(reply.status).toBe(201)
    expect(reply.headers['cache-control']).toBe('no-store')
    const made = reply.json as Record<string, string>
    expect(made).toEqual({
      id: made['id'],
      key: expect.stringMatching(/^plk_[0-9A-Za-z]{36}$/) as string,
      keyPrefix: made['key']!.slice(0, 12),
      name: 'Export',
      role: 'reader',
    })
    expect(reply.headers['location']).toBe(`/api/v1/auth/api-keys/${made['id']}`)
    for (const headers of [{ 'x-api-key': made['key']! }, { authorization: `Bearer ${made['key']}` }]) {
      const me = await platform.call('GET', '/api/v1/auth/me', undefined, headers)
      expect(me.json).toMatchObject({ kind: 'apiKey', tenant: { id: owner.tenantId }, roles: ['reader'] })
      expect((await platform.call('GET', '/api/v1/crates', undefined, headers)).status).toBe(200)
    }
    const tables = await stored(
      `select (select string_agg(k::text, '') from plinth.api_keys k) || (select string_agg(s::text, '') from plinth.api_key_secrets s) as dump`,
    )
    expect(JSON.stringify(tables)).not.toContain(made['key']!.slice(12))
  })

  test('is in nobody’s reach but the lookup’s', async () => {
    const read = platform.database.lookup(statement`select key_hash from plinth.api_key_secrets`)
    await expect(read).rejects.toThrow('not ready')
    expect(await platform.database.lookup(statement`select id from plinth.api_keys`)).toEqual([])
  })

  test('may do what its role and its owner both may, as they are now', async () => {
    const member = await memberOf(platform, owner.tenantId, 'owner')
    const reader = await keyOf(platform, member, { role: 'reader' })
    const full = await keyOf(platform, member, { role: 'owner' })
    const make = { name: 'By a key' }
    expect((await askWith(platform, reader.key)).status).toBe(200)
    expect(code(await askWith(platform, reader.key, '/api/v1/crates', 'POST', make))).toBe('permission_denied')
    expect((await askWith(platform, full.key, '/api/v1/crates', 'DELETE')).status).toBe(405)
    expect((await askWith(platform, full.key, '/api/v1/api-keys')).status).toBe(200)
    await platform.database.system(async (system) => {
      system.changesMembers()
      await system.run(statement`
        update plinth.user_roles set role = 'reader'
        where tenant_id = ${owner.tenantId}::uuid and user_id = ${member.userId}::uuid`)
    })
    expect(code(await askWith(platform, full.key, '/api/v1/crates', 'POST', make))).toBe('permission_denied')
    expect((await askWith(platform, full.key)).status).toBe(200)
  })

  test('is given no role that its maker has not, nor one that there is not', async () => {
    const reader = await memberOf(platform, owner.tenantId, 'reader')
    const user = await memberOf(platform, owner.tenantId, 'user')
    const make = (who: SignedUp, role: string): Promise<Reply> => post('auth/api-keys', { name: 'x', role }, who.bearer)
    expect((await make(user, 'owner')).status).toBe(403)
    expect((await make(user, 'reader')).status).toBe(403)
    expect((await make(user, 'user')).status).toBe(201)
    // He may read keys and nothing more.
    expect((await make(reader, 'reader')).status).toBe(403)
    const unknown = await make(owner, 'emperor')
    expect(unknown.json).toMatchObject({ status: 400, errors: [{ path: '/role', code: 'unknown_role' }] })
  })

  test.each([
    [{ name: '' }, '/name'],
    [{ expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
    [{ ipRanges: ['10.0.0.0/8', '10.1.2.3/8'] }, '/ipRanges/1'],
    [{ rateLimit: { requests: 0, seconds: 60 } }, '/rateLimit'],
  ])('%j is refused at %s', async (more, path) => {
    const reply = await post('auth/api-keys', { name: 'x', role: 'reader', ...more }, owner.bearer)
    expect(reply.json).toMatchObject({ status: 400, errors: [{ path }] })
  })

  test('takes neither an owner nor a tenant from the body', async () => {
    const other = await platform.signUp()
    const foreign = { tenantId: other.tenantId, ownerUserId: other.userId, userId: other.userId, keyHash: 'x' }
    for (const [field, value] of Object.entries(foreign)) {
      const reply = await post('auth/api-keys', { name: 'CI', role: 'reader', [field]: value }, owner.bearer)
      expect(reply.json, field).toMatchObject({ status: 400, errors: [{ code: 'unknown_field' }] })
    }
    expect(await stored('select id from plinth.api_keys where tenant_id = $1::uuid', other.tenantId)).toEqual([])
  })

  test('is bound to its tenant', async () => {
    const other = await platform.signUp()
    const { key } = await keyOf(platform, owner)
    const ask = (tenant: string): Promise<Reply> =>
      platform.call('GET', '/api/v1/crates', undefined, { 'x-api-key': key, 'x-tenant-id': tenant })
    expect((await ask(owner.tenantId)).status).toBe(200)
    expect(code(await ask(other.tenantId))).toBe('tenant_forbidden')
  })

  test('in the URL is not read', async () => {
    const { key } = await keyOf(platform, owner)
    for (const name of ['api_key', 'apiKey', 'access_token', 'key'])
      expect(code(await platform.call('GET', `/api/v1/crates?${name}=${key}`))).toBe('unauthenticated')
  })

  test('that was mistyped or invented is refused, the former before the database is asked', async () => {
    const { key } = await keyOf(platform, owner)
    const lookup = vi.spyOn(platform.parts.database, 'lookup')
    const typo = key.slice(0, -8) + (key.at(-8) === 'a' ? 'b' : 'a') + key.slice(-7)
    for (const wrong of [typo, 'plk_', `${key}x`, 'plk_short'])
      expect(code(await askWith(platform, wrong))).toBe('invalid_credential')
    expect(lookup).not.toHaveBeenCalled()
    expect(code(await askWith(platform, makeApiKey().key))).toBe('invalid_credential')
    expect(lookup).toHaveBeenCalledOnce()
    lookup.mockRestore()
  })

  test('makes no keys, sessions or factors, and changes no account', async () => {
    const { key, id } = await keyOf(platform, owner)
    for (const [method, path, body] of [
      ['POST', 'auth/api-keys', { name: 'x', role: 'reader' }],
      ['POST', `auth/api-keys/${id}/rotate`, {}],
      ['POST', 'auth/switch-tenant', { tenant: owner.tenantId }],
      ['POST', 'auth/reauthenticate', { currentPassword: PASSWORD }],
      ['POST', 'auth/mfa/setup', {}],
      ['POST', 'auth/mfa/verify', { code: '123456' }],
      ['POST', 'auth/mfa/recovery-codes', {}],
      ['DELETE', 'auth/mfa/devices', undefined],
      ['POST', 'auth/password/change', { currentPassword: PASSWORD, newPassword: 'a quite other phrase' }],
      ['PATCH', 'auth/me', { name: 'x' }],
      ['GET', 'auth/sessions', undefined],
    ] as const)
      expect((await askWith(platform, key, `/api/v1/${path}`, method, body)).status, `${method} ${path}`).toBe(403)
  })

  test('ends when it is told to, and by the clock', async () => {
    const expiresAt = new Date(platform.clock.now().getTime() + 60_000).toISOString()
    const { key } = await keyOf(platform, owner, { expiresAt })
    expect((await askWith(platform, key)).status).toBe(200)
    platform.clock.advance(60_000)
    expect(code(await askWith(platform, key))).toBe('invalid_credential')
  })

  test('with ranges is used from there alone; a sender without an address is nowhere', async () => {
    const here = await keyOf(platform, owner, { ipRanges: ['127.0.0.0/8', '::1'] })
    const there = await keyOf(platform, owner, { ipRanges: ['203.0.113.0/24'] })
    expect(code(await askWith(platform, here.key))).toBe('invalid_credential')
    const status = async (key: string, address: string, forwarded = address): Promise<number> => {
      const headers = { 'x-api-key': key, 'x-forwarded-for': forwarded }
      const request = new Request('http://localhost/api/v1/crates', { headers })
      return (await platform.plinth.fetch(request, { address })).status
    }
    const local = '127.0.0.1'
    const outside = '203.0.113.7'
    expect([await status(here.key, local), await status(here.key, '::ffff:127.0.0.1')]).toEqual([200, 200])
    expect([await status(there.key, local), await status(there.key, outside)]).toEqual([401, 200])
    // Nobody believes a header of a stranger.
    expect([await status(here.key, outside, local), await status(there.key, local, outside)]).toEqual([401, 401])
  })

  test('has a limit of its own, where it was given one', async () => {
    const { key } = await keyOf(platform, owner, { rateLimit: { requests: 3, seconds: 600 } })
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, index) => askWith(index % 2 === 0 ? platform : peer, key)),
    )
    expect(replies.filter((reply) => reply.status === 200)).toHaveLength(3)
    expect(replies.filter((reply) => reply.status === 429 && reply.headers['retry-after'])).toHaveLength(5)
    expect(replies.find((reply) => reply.status === 200)!.headers['ratelimit-policy']).toContain('"own";q=3;w=600')
    const other = await keyOf(platform, owner)
    expect((await askWith(platform, other.key)).status).toBe(200)
  })

  test('tells its last use, without a write for each', async () => {
    const { key, id } = await keyOf(platform, owner)
    const run = vi.spyOn(platform.parts.database, 'system')
    for (let use = 0; use < 5; use += 1) await askWith(platform, key)
    expect(run).not.toHaveBeenCalled()
    run.mockRestore()
    const at = async (): Promise<unknown> =>
      (await stored('select last_used_at from plinth.api_keys where id = $1::uuid', id))[0]!['last_used_at']
    await vi.waitFor(async () => expect(await at()).not.toBeNull(), { timeout: 20_000 })
  }, 30_000)

  test('does not pass a second factor that its owner has not got', async () => {
    const person = await platform.signUp()
    const { key } = await keyOf(platform, person)
    await stored('update plinth.tenants set require_mfa = true where id = $1::uuid returning id', person.tenantId)
    platform.database.forget()
    expect(code(await askWith(platform, key))).toBe('second_factor_required')
    await withFactor(platform, person)
    await vi.waitFor(async () => expect((await askWith(platform, key)).status).toBe(200), { timeout: 5_000 })
  })

  test('is made once under an idempotency key, and shown once', async () => {
    const headers = { ...owner.bearer, 'idempotency-key': 'one-key-please' }
    const make = (): Promise<Reply> => post('auth/api-keys', { name: 'Once', role: 'reader' }, headers)
    const first = await make()
    const second = await make()
    expect([first.status, second.status, code(second)]).toEqual([201, 409, 'answer_not_repeatable'])
    const { id, key } = first.json as { id: string; key: string }
    expect((second.json as { detail: string }).detail).toContain(id)
    expect(second.body).not.toContain(key)
    expect(await stored("select id from plinth.api_keys where name = 'Once'")).toEqual([{ id }])
  })
})

describe('one’s own keys', () => {
  const list = async (headers: Readonly<Record<string, string>>): Promise<readonly { id: string }[]> =>
    ((await platform.call('GET', '/api/v1/auth/api-keys', undefined, headers)).json as { data: { id: string }[] }).data

  test('are listed without the key; a key sees itself alone', async () => {
    const person = await platform.signUp()
    const [one, two] = [
      await keyOf(platform, person, { ipRanges: ['::ffff:10.0.0.0/104'] }),
      await keyOf(platform, person),
    ]
    const mine = await list(person.bearer)
    expect(mine.map(({ id }) => id)).toEqual(expect.arrayContaining([one.id, two.id]))
    expect(mine).toContainEqual(
      expect.objectContaining({ id: one.id, ipRanges: ['10.0.0.0/8'], keyPrefix: one.keyPrefix }),
    )
    expect(JSON.stringify(mine)).not.toContain(two.key)
    expect((await list({ 'x-api-key': two.key })).map(({ id }) => id)).toEqual([two.id])
    const read = (id: string, headers: Readonly<Record<string, string>>): Promise<Reply> =>
      platform.call('GET', `/api/v1/auth/api-keys/${id}`, undefined, headers)
    expect((await read(one.id, { 'x-api-key': two.key })).status).toBe(404)
    expect((await read(one.id, person.bearer)).status).toBe(200)
    const colleague = await memberOf(platform, person.tenantId, 'owner')
    expect(await list(colleague.bearer)).toEqual([])
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/rotate'],
    ] as const)
      expect(
        (await platform.call(method, `/api/v1/auth/api-keys/${one.id}${path}`, undefined, colleague.bearer)).status,
      ).toBe(404)
  })

  test('are revoked at once, here and in the other process within a second', async () => {
    const person = await platform.signUp()
    const { id, key } = await keyOf(platform, person)
    expect([(await askWith(platform, key)).status, (await askWith(peer, key)).status]).toEqual([200, 200])
    const revoke = (): Promise<Reply> =>
      platform.call('DELETE', `/api/v1/auth/api-keys/${id}`, undefined, person.bearer)
    expect((await revoke()).status).toBe(204)
    expect((await askWith(platform, key)).status).toBe(401)
    await vi.waitFor(async () => expect((await askWith(peer, key)).status).toBe(401), { timeout: 5_000 })
    expect((await revoke()).status).toBe(404)
    expect(await list(person.bearer)).toEqual([])
    expect(await stored('select 1 from plinth.api_key_secrets where key_id = $1::uuid', id)).toEqual([])
  })

  test('are rotated with an overlap: both work, then the new one alone', async () => {
    const person = await platform.signUp()
    const first = await keyOf(platform, person)
    const rotate = async (body?: unknown): Promise<string> => {
      const reply = await post(`auth/api-keys/${first.id}/rotate`, body, person.bearer)
      expect(reply.json).toMatchObject({ id: first.id, role: 'owner' })
      return (reply.json as { key: string }).key
    }
    const works = async (...keys: readonly string[]): Promise<readonly boolean[]> =>
      (await Promise.all(keys.map((key) => askWith(platform, key)))).map(({ status }) => status === 200)
    const second = await rotate({ overlapSeconds: 300 })
    expect(await works(first.key, second)).toEqual([true, true])
    platform.clock.advance(300_000)
    expect(await works(first.key, second)).toEqual([false, true])
    const third = await rotate()
    const fourth = await rotate()
    expect(await works(second, third, fourth)).toEqual([false, true, true])
    const fifth = await rotate({ overlapSeconds: 0 })
    expect(await works(third, fourth, fifth)).toEqual([false, false, true])
    await Promise.all(Array.from({ length: 20 }, () => rotate({ overlapSeconds: 60 })))
    expect(await stored('select 1 from plinth.api_key_secrets where key_id = $1::uuid', first.id)).toHaveLength(2)
  })
})

describe('keys of a tenant', () => {
  test('are listed and revoked by who may, and by nobody of another tenant', async () => {
    const person = await platform.signUp()
    const user = await memberOf(platform, person.tenantId, 'user')
    const reader = await memberOf(platform, person.tenantId, 'reader')
    const theirs = await keyOf(platform, person)
    const own = await keyOf(platform, user, { role: 'user' })
    const ids = async (who: SignedUp): Promise<readonly string[]> =>
      (
        (await platform.call('GET', '/api/v1/api-keys?sort=name', undefined, who.bearer)).json as {
          data: { id: string }[]
        }
      ).data.map(({ id }) => id)
    expect((await ids(person)).length).toBe(2)
    expect(await ids(user)).toEqual([own.id])
    const revoke = (who: SignedUp, id: string): Promise<Reply> =>
      platform.call('DELETE', `/api/v1/api-keys/${id}`, undefined, who.bearer)
    expect((await revoke(reader, own.id)).status).toBe(403)
    expect((await revoke(user, theirs.id)).status).toBe(404)
    expect((await revoke(await platform.signUp(), own.id)).status).toBe(404)
    expect((await revoke(person, own.id)).status).toBe(204)
    expect((await askWith(platform, own.key)).status).toBe(401)
    const row = await platform.call('GET', `/api/v1/api-keys/${own.id}`, undefined, person.bearer)
    expect((row.json as { revokedAt: string }).revokedAt).not.toBeNull()
    expect((await askWith(platform, theirs.key)).status).toBe(200)
  })

  test('end with the membership of their owner, together with his sessions there, in every process', async () => {
    const boss = await platform.signUp()
    for (const to of ['suspended', 'removed'] as const) {
      const member = await memberOf(platform, boss.tenantId, 'owner')
      const { key } = await keyOf(platform, member)
      const elsewhere = await platform.call('POST', '/api/v1/auth/login', { email: member.email, password: PASSWORD })
      const ask = async (on: AuthPlatform | AuthPeer): Promise<readonly number[]> => [
        (await askWith(on, key)).status,
        (await on.call('GET', '/api/v1/crates', undefined, member.bearer)).status,
      ]
      expect([await ask(platform), await ask(peer)]).toEqual([
        [200, 200],
        [200, 200],
      ])
      await platform.database.system((system) =>
        changeStanding(platform.parts, system, { tenantId: boss.tenantId, userId: member.userId, to }),
      )
      for (const status of await ask(platform)) expect(status).toBeGreaterThanOrEqual(401)
      await vi.waitFor(async () => expect(await ask(peer)).toEqual([401, 401]), { timeout: 5_000 })
      const { access_token } = elsewhere.json as { access_token: string }
      const me = await platform.call('GET', '/api/v1/auth/me', undefined, { authorization: `Bearer ${access_token}` })
      expect(me.status).toBe(200)
      // Who comes back gets nothing back.
      await platform.database.system(async (system) => {
        if (to === 'removed')
          await addMember(system, { tenantId: boss.tenantId, userId: member.userId, roles: ['owner'] })
        else
          await changeStanding(platform.parts, system, { tenantId: boss.tenantId, userId: member.userId, to: 'active' })
      })
      await vi.waitFor(async () => expect(await ask(platform)).toEqual([401, 401]), { timeout: 5_000 })
    }
  }, 60_000)
})

test('a new password leaves keys as they are, unless they are to end with it', async () => {
  const person = await platform.signUp()
  const { key } = await keyOf(platform, person)
  const change = (currentPassword: string, newPassword: string, more: object = {}): Promise<Reply> =>
    platform.call('POST', '/api/v1/auth/password/change', { currentPassword, newPassword, ...more }, person.bearer)
  const [second, third] = [`${PASSWORD}, the second`, `${PASSWORD}, the third`]
  expect((await change(PASSWORD, second)).status).toBe(204)
  expect((await askWith(platform, key)).status).toBe(200)
  expect((await change(second, third, { revokeKeys: true })).status).toBe(204)
  expect((await askWith(platform, key)).status).toBe(401)

  const other = await keyOf(platform, person)
  await platform.mail.waitFor(person.email, { count: 3 })
  await platform.call('POST', '/api/v1/auth/password/forgot', { email: person.email })
  const { text } = await platform.mail.waitFor(person.email, { count: 4 })
  const reset = { token: /#token=([\w-]+)/.exec(text)![1]!, password: PASSWORD, revokeKeys: true }
  expect((await platform.call('POST', '/api/v1/auth/password/reset', reset)).status).toBe(204)
  expect((await askWith(platform, other.key)).status).toBe(401)
})
