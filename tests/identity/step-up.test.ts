import { createPlinth, defineResource, PermissionSet, resourceTable } from '@plinth/core'
import { postgres } from '@plinth/postgres'
import { softPasskey, type TestReply } from '@plinth/testing'
import { text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openIdentity, PASSWORD, PUBLIC_URL, type Identity, type Person } from './open-identity.ts'

const accounts = resourceTable('accounts', { holder: text().notNull(), state: text().notNull().default('open') })
const account = defineResource({
  table: accounts,
  actions: {
    close: {
      description: 'Close the account',
      fresh: '10m',
      input: z.object({ reason: z.string().min(1) }),
      run: (ctx, row) => ctx.update(accounts, row.id, { state: 'closed' }),
    },
    statement: { readOnly: true, fresh: '1h', run: (_ctx, row) => row },
    freeze: { run: (ctx, row) => ctx.update(accounts, row.id, { state: 'frozen' }) },
  },
})

let platform: Identity
let owner: Person
let id: string
beforeAll(async () => {
  platform = await openIdentity({ resources: [account] })
}, 120_000)
afterAll(() => platform.close())
beforeEach(async () => {
  owner = await platform.signUp()
  const made = await platform.call('POST', '/api/v1/accounts', { holder: 'Ada' }, owner.bearer)
  id = (made.json as { id: string }).id
})

type Headers = Readonly<Record<string, string>>
const reason = { reason: 'moved' }
const close = (headers: Headers = owner.bearer, body: unknown = reason): Promise<TestReply> =>
  platform.call('POST', `/api/v1/accounts/${id}/close`, body, headers)
const code = (reply: TestReply): unknown => (reply.json as { code?: string } | undefined)?.code
const post = (path: string, body: unknown, headers: Headers = owner.bearer): Promise<TestReply> =>
  platform.call('POST', `/api/v1/auth/${path}`, body, headers)
const minutes = (count: number): void => platform.clock.advance(count * 60_000)

describe('an action that asks for a recent sign-in', () => {
  test('is done to the second, then refused as RFC 9470 says, and others are not', async () => {
    platform.clock.advance(600_000)
    expect((await close()).status).toBe(200)
    platform.clock.advance(1)
    const reply = await close()
    expect([reply.status, code(reply)]).toEqual([401, 'reauthentication_required'])
    expect(reply.headers['www-authenticate']).toBe(
      'Bearer error="insufficient_user_authentication", error_description="A sign-in within 10 minutes is needed", max_age="600"',
    )
    expect((reply.json as { detail: string }).detail).toBe('This asks for a sign-in within 10 minutes.')
    const freeze = await platform.call('POST', `/api/v1/accounts/${id}/freeze`, undefined, owner.bearer)
    expect(freeze.status, freeze.body).toBe(200)
    const read = (): Promise<TestReply> =>
      platform.call('GET', `/api/v1/accounts/${id}/statement`, undefined, owner.bearer)
    expect((await read()).status).toBe(200)
    minutes(51)
    const { access_token } = (await post('refresh', { refresh_token: owner.refreshToken }, {})).json as never
    owner = { ...owner, bearer: { authorization: `Bearer ${String(access_token)}` } }
    // A refreshed token is no sign-in.
    expect(code(await read())).toBe('reauthentication_required')
  })

  test('is open again after the password, a code or a passkey', async () => {
    minutes(11)
    expect((await post('reauthenticate', { currentPassword: 'wrong' })).status).toBe(401)
    expect(code(await close())).toBe('reauthentication_required')
    expect((await post('reauthenticate', { currentPassword: PASSWORD })).status).toBe(204)
    expect((await close()).status).toBe(200)

    const passkey = softPasskey({ origin: PUBLIC_URL })
    const create = (await post('passkeys/register/options', {})).json as never as {
      ceremony: string
      publicKey: Parameters<typeof passkey.create>[0]
    }
    const registered = await post('passkeys/register/verify', {
      ceremony: create.ceremony,
      credential: passkey.create(create.publicKey),
    })
    expect(registered.status, registered.body).toBe(201)
    minutes(11)
    expect(code(await close())).toBe('reauthentication_required')
    const get = (await post('reauthenticate/options', undefined)).json as never as {
      ceremony: string
      publicKey: Parameters<typeof passkey.get>[0]
    }
    const shown = { ceremony: get.ceremony, credential: passkey.get(get.publicKey) }
    expect((await post('reauthenticate', { passkey: shown })).status).toBe(204)
    expect((await close()).status).toBe(200)
  })

  test('says so after the permission and before body and row', async () => {
    const stranger = await platform.signUp()
    minutes(11)
    expect(code(await close(owner.bearer, {}))).toBe('reauthentication_required')
    expect(code(await platform.call('POST', '/api/v1/accounts/none/close', reason, owner.bearer))).toBe(
      'reauthentication_required',
    )
    expect(code(await close({}))).toBe('unauthenticated')
    // Who may not do it hears so, and need not show again who he is for that.
    const invited = await platform.call(
      'POST',
      '/api/v1/invitations',
      { email: 'reader@example.com', roles: ['read_only'] },
      owner.bearer,
    )
    expect(invited.status, invited.body).toBe(201)
    await platform.mail.waitFor('reader@example.com')
    const invitationToken = platform.linkToken('reader@example.com')
    const reader = await platform.signUp({ email: 'reader@example.com', invitationToken })
    minutes(11)
    expect(code(await close(reader.bearer))).toBe('permission_denied')
    expect(code(await close(stranger.bearer))).toBe('reauthentication_required')
  })

  test('is done by no key and no service, however new', async () => {
    const key = (await post('api-keys', { name: 'Agent', role: 'owner' })).json as { key: string }
    const freeze = await platform.call('POST', `/api/v1/accounts/${id}/freeze`, undefined, { 'x-api-key': key.key })
    expect(freeze.status, freeze.body).toBe(200)
    const reply = await close({ 'x-api-key': key.key })
    expect([reply.status, code(reply)]).toEqual([403, 'permission_denied'])
    expect((reply.json as { detail: string }).detail).toContain('keys and services cannot do it')
    const service = await platform.call(
      'POST',
      '/api/v1/service-accounts',
      { name: 'Closer', roles: ['admin'] },
      owner.bearer,
    )
    const { id: serviceId } = service.json as { id: string }
    const made = await platform.call('POST', `/api/v1/service-accounts/${serviceId}/keys`, { name: 'K' }, owner.bearer)
    const ofService = { 'x-api-key': (made.json as { key: string }).key }
    expect([(await close(ofService)).status, code(await close(ofService))]).toEqual([403, 'permission_denied'])
  })

  test('binds routes of the host', async () => {
    const guard = platform.plinth.guard('account:close')
    const ask = async (): Promise<number> => {
      const request = new Request(`${PUBLIC_URL}/own/close`, { method: 'POST', headers: owner.bearer })
      const outcome = await guard(request)
      return outcome.refused ? outcome.refused.status : 200
    }
    expect(await ask()).toBe(200)
    minutes(11)
    expect(await ask()).toBe(401)
    const free = await platform.plinth.guard('account:freeze')(
      new Request(`${PUBLIC_URL}/own`, { method: 'POST', headers: owner.bearer }),
    )
    expect(free.granted).toBeDefined()
  })

  test('stands in OpenAPI', () => {
    const { paths } = platform.plinth.openapi()
    const operation = paths!['/api/v1/accounts/{id}/close']!.post as Record<string, unknown>
    expect(operation['x-fresh']).toBe(600)
    expect(JSON.stringify((operation['responses'] as Record<string, unknown>)['401'])).toContain(
      'reauthentication_required',
    )
    expect(paths!['/api/v1/accounts/{id}/freeze']!.post).not.toHaveProperty('x-fresh')
  })

  test('is told by an explanation', async () => {
    const principal = {
      kind: 'user',
      id: owner.userId,
      name: 'Ada',
      userId: owner.userId,
      groupIds: [],
      tenant: owner.tenantId,
      permissions: PermissionSet.none,
      rights: { member: owner.userId },
    } as const
    const session = {
      id: 's',
      credential: 'bearer',
      secondFactor: false,
      authenticatedAt: platform.clock.now(),
    } as const
    const ask = (more: object): ReturnType<typeof platform.plinth.explain> =>
      platform.plinth.explain({ permission: 'account:close', principal: { ...principal, ...more }, id })
    expect(await ask({})).toMatchObject({ decision: 'allowed', answer: null })
    expect((await ask({})).sentence).toMatch(/It asks for a sign-in within 10 minutes\.$/)
    expect((await ask({})).rules.at(-1)).toEqual({
      source: 'sign-in',
      name: 'a sign-in within 10 minutes',
      effect: 'narrows',
    })
    expect((await ask({ session })).rules.at(-1)).toMatchObject({ effect: 'admits' })
    minutes(11)
    expect(await ask({ session })).toMatchObject({
      decision: 'denied',
      answer: 'reauthentication_required',
      decidedBy: 'sign-in',
      sentence: 'Denied for now: it asks for a sign-in within 10 minutes, and Ada signed in longer ago.',
    })
    const key = { kind: 'apiKey', session: { ...session, credential: 'apiKey' } }
    expect(await ask(key)).toMatchObject({ decision: 'denied', answer: 'permission_denied', decidedBy: 'sign-in' })
  })
})

test('a length of time that is none is a fault at start', () => {
  const wrong =
    (fresh: string): unknown =>
    () =>
      createPlinth({
        database: postgres('postgres://nobody@127.0.0.1:1/none'),
        resources: [defineResource({ table: accounts, actions: { close: { fresh, run: (_ctx, row) => row } } })],
        env: { ENVIRONMENT: 'development' },
      })
  for (const fresh of ['10', '10 minutes', '0m', ''])
    expect(wrong(fresh)).toThrow(/resource account\.actions\.close\.fresh/)
})
