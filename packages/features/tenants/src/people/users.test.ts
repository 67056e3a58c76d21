import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { hashed, peoplePlatform, written, type PeoplePlatform, type Person } from '../../tests/people-platform.ts'

const departed: string[] = []

let platform: PeoplePlatform
let owner: Person
let admin: Person
let user: Person
beforeAll(async () => {
  const features = [
    {
      name: 'spy',
      departure: (_: unknown, { tenantId, userId }: { tenantId: string | null; userId: string }) => {
        departed.push(`${tenantId === null ? 'all' : 'one'} ${userId}`)
        return Promise.resolve()
      },
    },
  ]
  platform = await peoplePlatform({ features })
  owner = await platform.member('owner')
})
beforeEach(async () => {
  admin = await platform.member('admin')
  user = await platform.member('user')
})
afterAll(() => platform.close())

const at = (person: Person): string => `/api/v1/users/${person.id}`
const code = (reply: { readonly json: unknown }): unknown => (reply.json as { code?: string }).code
const faults = (reply: { readonly json: unknown }): readonly string[] =>
  (reply.json as { errors?: { path: string; code: string }[] }).errors?.map((fault) => `${fault.path} ${fault.code}`) ??
  []

describe('POST /users', () => {
  test('invites, and says nothing of accounts elsewhere', async () => {
    const stranger = await platform.person()
    const [known, unknown] = await Promise.all(
      [stranger.email, 'nobody-yet@example.test'].map((email) =>
        platform.ask(admin, 'POST', '/api/v1/users', { email }),
      ),
    )
    for (const reply of [known!, unknown!]) {
      expect(reply.status, reply.body).toBe(201)
      expect(reply.json).toMatchObject({ status: 'pending', roles: ['user'] })
      expect(reply.headers['location']).toMatch(/^\/api\/v1\/invitations\//)
    }
    expect(Object.keys(known!.json as object)).toEqual(Object.keys(unknown!.json as object))
    await platform.mail.waitFor(stranger.email)
  })

  test('with a password makes an account whose address is unverified', async () => {
    const body = {
      email: 'New.Person@Example.TEST',
      name: 'New',
      password: 'a password of some length',
      roles: ['user'],
    }
    const reply = await platform.ask(admin, 'POST', '/api/v1/users', body)
    expect(reply.status, reply.body).toBe(201)
    expect(reply.json).toMatchObject({
      email: 'New.Person@example.test',
      name: 'New',
      status: 'active',
      roles: ['user'],
    })
    expect(reply.body).not.toContain('a password')
    const [stored] = await platform.stored('select email_verified_at from plinth.users where email = $1::text', [
      'New.Person@example.test',
    ])
    expect(stored!['email_verified_at']).toBeNull()
    const again = await platform.ask(admin, 'POST', '/api/v1/users', body)
    expect([again.status, faults(again)]).toEqual([409, ['/email member']])
    const elsewhere = await platform.person()
    const taken = await platform.ask(admin, 'POST', '/api/v1/users', { ...body, email: elsewhere.email })
    expect([taken.status, faults(taken)]).toEqual([409, ['/email taken']])
  })

  test('takes a password as long as any that is taken elsewhere', async () => {
    const body = { email: `long-${user.id}@example.test`, password: 'a word and a '.repeat(78), roles: ['user'] }
    expect(body.password.length).toBeGreaterThan(1_000)
    expect((await platform.ask(admin, 'POST', '/api/v1/users', body)).status).toBe(201)
  })

  test('gives no role that the giver has not himself, nor one that there is not', async () => {
    const invite = (who: Person, roles: string[]): ReturnType<PeoplePlatform['ask']> =>
      platform.ask(who, 'POST', '/api/v1/users', { email: 'x@example.test', roles })
    expect((await invite(admin, ['owner'])).status).toBe(403)
    expect((await invite(user, ['user'])).status).toBe(403)
    expect(faults(await invite(admin, ['emperor']))).toEqual(['/roles unknown_role'])
    expect((await invite(owner, ['owner'])).status).toBe(201)
  })

  test('with an Idempotency-Key is done once, and mailed once', async () => {
    const headers = { 'idempotency-key': 'once-and-no-more' }
    const ask = (): ReturnType<PeoplePlatform['ask']> =>
      platform.ask(admin, 'POST', '/api/v1/users', { email: 'once@example.test' }, { headers })
    const [first, second] = [await ask(), await ask()]
    expect([first.status, second.status, second.headers['idempotency-replayed']]).toEqual([201, 201, 'true'])
    expect(second.body).toBe(first.body)
    await platform.mail.waitFor('once@example.test')
    expect(platform.mail.to('once@example.test')).toHaveLength(1)
  })
})

describe('PATCH and PUT /users/:id', () => {
  test('change what somebody is in the tenant', async () => {
    const roles = await platform.ask(owner, 'PATCH', at(user), { roles: ['user', 'admin'] })
    expect([roles.status, roles.json]).toMatchObject([200, { roles: ['admin', 'user'] }])
    const suspended = await platform.ask(admin, 'PATCH', at(user), { status: 'suspended' })
    expect([suspended.status, suspended.json]).toMatchObject([200, { status: 'suspended' }])
    expect(departed).toContain(`one ${user.id}`)
    expect(code(await platform.ask(user, 'GET', '/api/v1/users'))).toBe('tenant_forbidden')
    expect((await platform.ask(admin, 'PATCH', at(user), { status: 'active' })).status).toBe(200)
    expect((await platform.ask(user, 'GET', '/api/v1/users')).status).toBe(200)
  })

  test('what GET gave can be PUT; a change of nothing is none', async () => {
    const row = await platform.ask(admin, 'GET', at(user))
    const put = await platform.ask(admin, 'PUT', at(user), row.json)
    expect([put.status, put.headers['etag'], put.body]).toEqual([200, row.headers['etag'], row.body])
    expect((await platform.ask(admin, 'PATCH', at(user), {})).headers['etag']).toBe(row.headers['etag'])
  })

  test('a text without an @ is no address, and is not made one', async () => {
    for (const [path, body] of [
      ['/api/v1/users', { email: 'nowhere' }],
      ['/api/v1/invitations', { email: 'nowhere', role: 'user' }],
    ] as const) {
      const reply = await platform.ask(admin, 'POST', path, body)
      expect([reply.status, reply.json], path).toMatchObject([400, { errors: [{ path: '/email' }] }])
      expect(reply.body, path).not.toContain('@')
    }
  })

  test('under the version that was seen', async () => {
    const { headers } = await platform.ask(admin, 'GET', at(user))
    const change = (): ReturnType<PeoplePlatform['ask']> =>
      platform.ask(admin, 'PATCH', at(user), { status: 'suspended' }, { headers: { 'if-match': headers['etag']! } })
    expect([(await change()).status, (await change()).status]).toEqual([200, 412])
  })

  test('one who may only change himself does not change what he is', async () => {
    for (const body of [{ status: 'suspended' }, { roles: [] }, { roles: ['admin'] }])
      expect((await platform.ask(user, 'PATCH', at(user), body)).status, JSON.stringify(body)).toBe(403)
    expect((await platform.ask(user, 'PATCH', at(user), { name: 'Mine' })).json).toMatchObject({ name: 'Mine' })
    expect((await platform.ask(user, 'PATCH', at(admin), { name: 'His' })).status).toBe(403)
  })

  test('what one signs in with is changed where the password is asked for, and not here', async () => {
    const count = written.length
    for (const body of [
      { password: 'another long password' },
      { email: `other-${user.id}@example.test` },
      { username: 'another' },
      { name: 'Mine', password: 'another long password' },
    ])
      for (const [method, who] of [
        ['PATCH', user],
        ['PUT', user],
        ['PATCH', owner],
      ] as const) {
        const reply = await platform.ask(who, method, at(who), body)
        expect([reply.status, reply.body], JSON.stringify(body)).toEqual([
          403,
          expect.stringContaining('/auth/me') as string,
        ])
      }
    expect(written).toHaveLength(count)
    expect((await platform.ask(user, 'PATCH', at(user), { name: 'Mine' }, { flags: '.key' })).status).toBe(403)
    expect(faults(await platform.ask(user, 'PATCH', at(user), { email: null }))).toEqual(['/email not_nullable'])
  })

  test('a tenant does not take over the account of its member, whoever asks', async () => {
    const victim = await platform.person()
    await platform.join(victim, platform.b.id, 'owner')
    await platform.join(victim, platform.a.id, 'user')
    const count = written.length
    for (const body of [
      { email: 'thief@example.test' },
      { password: 'known to the thief!' },
      { username: 'x' },
      { name: 'y' },
    ])
      for (const [who, method] of [
        [owner, 'PATCH'],
        [admin, 'PUT'],
      ] as const)
        expect((await platform.ask(who, method, at(victim), body)).status, JSON.stringify(body)).toBe(403)
    const service = await platform.request(platform.a.actors.full, 'PATCH', at(victim), {
      password: 'known to the thief!',
    })
    expect([service.status, written.length]).toEqual([403, count])
    const [stored] = await platform.stored('select email, name from plinth.users where id = $1::uuid', [victim.id])
    expect(stored).toEqual({ email: victim.email, name: 'Person' })
  })

  test('an operator may', async () => {
    const operator = await platform.person(undefined, { superadmin: true })
    await platform.join(operator, platform.a.id, 'admin')
    const changed = await platform.ask(operator, 'PATCH', at(user), { name: 'Renamed' }, { flags: '.super' })
    expect([changed.status, changed.json]).toMatchObject([200, { name: 'Renamed' }])
  })

  test('an admin does nothing to an owner, nor makes himself one', async () => {
    for (const body of [{ status: 'suspended' }, { roles: ['user'] }])
      expect((await platform.ask(admin, 'PATCH', at(owner), body)).status).toBe(403)
    expect((await platform.ask(admin, 'DELETE', at(owner))).status).toBe(403)
    expect((await platform.ask(admin, 'PATCH', at(admin), { roles: ['admin', 'owner'] })).status).toBe(403)
  })

  test('of another tenant is not there', async () => {
    const stranger = await platform.person()
    await platform.join(stranger, platform.b.id, 'user')
    for (const [method, body] of [['GET'], ['PATCH', { status: 'suspended' }], ['PUT', {}], ['DELETE']] as const)
      expect((await platform.ask(owner, method, at(stranger), body)).status).toBe(404)
  })
})

describe('DELETE /users/:id', () => {
  test('ends the membership, and the account with the last one', async () => {
    await platform.join(user, platform.b.id, 'user')
    await platform.ask(owner, 'PATCH', at(user), { roles: ['user'] })
    expect((await platform.ask(admin, 'DELETE', at(user))).status).toBe(204)
    const accounts = (): Promise<readonly unknown[]> =>
      platform.stored('select id from plinth.users where id = $1::uuid', [user.id])
    expect([(await accounts()).length, (await platform.ask(admin, 'GET', at(user))).status]).toEqual([1, 404])
    const boss = await platform.person()
    await platform.join(boss, platform.b.id, 'owner')
    expect((await platform.ask(boss, 'DELETE', at(user), undefined, { in: platform.b.slug })).status).toBe(204)
    expect(await accounts()).toEqual([])
    expect(departed).toEqual(expect.arrayContaining([`one ${user.id}`, `all ${user.id}`]))
  })

  test('the last owner stays, whatever is tried', async () => {
    const { id } = await platform.plinth.foundTenant({
      slug: `own-${owner.id.slice(0, 8)}`,
      name: 'Own',
      founder: owner.id,
    })
    const inOwn = { in: id }
    for (const [method, body] of [
      ['PATCH', { status: 'suspended' }],
      ['PATCH', { roles: ['user'] }],
      ['DELETE'],
    ] as const) {
      const reply = await platform.ask(owner, method, at(owner), body, inOwn)
      expect([reply.status, code(reply)], method).toEqual([409, 'last_owner'])
    }
  })

  test('two owners who remove each other at once: one stays', async () => {
    for (let round = 0; round < 20; round += 1) {
      const [one, two] = [await platform.person(), await platform.person()]
      const { id } = await platform.plinth.foundTenant({
        slug: `duel-${one.id.slice(0, 8)}`,
        name: 'Duel',
        founder: one.id,
      })
      await platform.join(two, id, 'owner')
      const way = round % 2 === 0 ? (['DELETE', undefined] as const) : (['PATCH', { roles: ['user'] }] as const)
      const answers = await Promise.all([
        platform.ask(one, way[0], at(two), way[1], { in: id }),
        platform.ask(two, way[0], at(one), way[1], { in: id }),
      ])
      const [{ owners } = {}] = await platform.stored(
        `select count(*)::int as owners from plinth.user_roles where tenant_id = $1::uuid and role = 'owner'`,
        [id],
      )
      expect(owners, answers.map((reply) => reply.body).join('\n')).toBe(1)
      expect(answers.filter((reply) => reply.status < 300)).toHaveLength(1)
    }
  })
})

test('a password is hashed once, however often the request is sent again', async () => {
  const operator = await platform.person(undefined, { superadmin: true })
  await platform.join(operator, platform.a.id, 'owner')
  const send = (method: string, path: string, body: object): ReturnType<PeoplePlatform['ask']> =>
    platform.ask(operator, method, path, body, {
      flags: '.super',
      headers: { 'idempotency-key': `${method}-${user.id}` },
    })
  const email = `hashed-once-${user.id}@example.test`
  for (let time = 0; time < 3; time += 1) {
    const made = await send('POST', '/api/v1/users', { email, password: 'made at once, for him' })
    const changed = await send('PATCH', at(user), { password: 'set anew by the operator' })
    expect([made.status, changed.status]).toEqual([201, 200])
  }
  for (const password of ['made at once, for him', 'set anew by the operator'])
    expect(hashed.filter((each) => each === password)).toHaveLength(1)
})
