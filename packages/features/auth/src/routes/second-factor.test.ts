import { softPasskey } from '@plinth/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { codeNow, freshGuesses, pendingToken, withFactor } from '../../tests/second-factor.ts'
import { logInByPasskey, registerPasskey } from '../../tests/passkeys.ts'
import { openAuth, PASSWORD, PUBLIC_URL, type AuthPlatform } from '../../tests/open-auth.ts'

let platform: AuthPlatform
beforeAll(async () => {
  platform = await openAuth()
}, 120_000)
beforeEach(() => platform.clock.advance(90_000))
afterAll(() => platform.close())

type Reply = Awaited<ReturnType<AuthPlatform['call']>>
const post = (path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Reply> =>
  platform.call('POST', `/api/v1/auth/${path}`, body, headers)
const code = (reply: Reply): unknown => (reply.json as { code?: string } | undefined)?.code
const linkTo = (email: string): string => new URL(platform.mail.linkTo(email)).hash.slice('#token='.length)
const stored = (text: string, ...parameters: string[]): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  platform.superuser.query(text, parameters)

describe('setting up', () => {
  test('gives a secret once, sealed in the database, and a QR code of it', async () => {
    const person = await platform.signUp()
    const reply = await post('mfa/setup', {}, person.bearer)
    expect(reply.status).toBe(200)
    expect(reply.headers['cache-control']).toBe('no-store')
    const { id, secret, otpauthUri, qr } = reply.json as Record<string, string>
    expect(secret).toMatch(/^[A-Z2-7]{32}$/)
    expect(otpauthUri).toContain(`secret=${secret}`)
    expect(otpauthUri).toContain(encodeURIComponent(person.email))
    expect(qr).toMatch(/^<svg /)
    const [row] = await stored('select * from plinth.mfa_devices where id = $1::uuid', id!)
    expect(JSON.stringify(row)).not.toContain(secret)
    const other = await platform.signUp()
    expect(() => platform.parts.secrets.open(String(row!['secret']), `mfa|${other.userId}`)).toThrow('another context')
    const login = await post('login', { email: person.email, password: PASSWORD })
    expect(login.json).toHaveProperty('access_token')
  })

  test('is confirmed by a code: ten recovery codes, and this session has shown a factor from then on', async () => {
    const person = await platform.signUp()
    const { secret } = (await post('mfa/setup', {}, person.bearer)).json as { secret: string }
    const wrong = codeNow(platform, secret, 300)
    expect(code(await post('mfa/verify', { code: wrong }, person.bearer))).toBe('invalid_code')
    const me = async (): Promise<unknown> =>
      (await platform.call('GET', '/api/v1/auth/me', undefined, person.bearer)).json
    expect(await me()).toMatchObject({ secondFactor: false })
    const reply = await post('mfa/verify', { code: codeNow(platform, secret) }, person.bearer)
    expect(reply.status).toBe(200)
    const { recoveryCodes } = reply.json as { recoveryCodes: string[] }
    expect(new Set(recoveryCodes).size).toBe(10)
    expect(await me()).toMatchObject({ secondFactor: true })
    const hashes = await stored('select code_hash from plinth.recovery_codes where user_id = $1::uuid', person.userId)
    for (const each of recoveryCodes) expect(JSON.stringify(hashes)).not.toContain(each)
    expect(code(await post('mfa/verify', { code: codeNow(platform, secret) }, person.bearer))).toBe('factor_missing')
  })

  test('is confirmed by who is signed in alone, in time, and by no recovery code', async () => {
    const person = await platform.signUp()
    const { secret } = (await post('mfa/setup', {}, person.bearer)).json as { secret: string }
    expect(code(await post('mfa/verify', { code: codeNow(platform, secret) }))).toBe('unauthenticated')
    expect(code(await post('mfa/verify', { recoveryCode: 'x' }, person.bearer))).toBe('validation_failed')
    expect(code(await post('mfa/verify', {}, person.bearer))).toBe('validation_failed')
    platform.clock.advance(16 * 60_000)
    expect(code(await post('mfa/verify', { code: codeNow(platform, secret) }, person.bearer))).toBe('factor_missing')
  })

  test('asks for a recent sign-in, or the password; setting up again replaces what waits', async () => {
    const person = await platform.signUp()
    const first = (await post('mfa/setup', {}, person.bearer)).json as { secret: string }
    platform.clock.advance(11 * 60_000)
    expect(code(await post('mfa/setup', {}, person.bearer))).toBe('proof_required')
    expect(code(await post('mfa/setup', { currentPassword: 'wrong' }, person.bearer))).toBe('invalid_credentials')
    const reply = await post('mfa/setup', { currentPassword: PASSWORD, name: 'Phone' }, person.bearer)
    expect(reply.status).toBe(200)
    expect(code(await post('mfa/verify', { code: codeNow(platform, first.secret) }, person.bearer))).toBe(
      'invalid_code',
    )
    const list = await platform.call('GET', '/api/v1/auth/mfa/devices', undefined, person.bearer)
    expect((list.json as { data: unknown[] }).data).toMatchObject([{ name: 'Phone', confirmedAt: null }])
  })

  test('ends no other session by itself, and all of them when asked to', async () => {
    const person = await platform.signUp()
    const other = async (): Promise<Record<string, string>> => {
      const reply = await post('login', { email: person.email, password: PASSWORD })
      return { authorization: `Bearer ${(reply.json as { access_token: string }).access_token}` }
    }
    const [one, two] = [await other(), await other()]
    const { secret } = (await post('mfa/setup', {}, one)).json as { secret: string }
    await post('mfa/verify', { code: codeNow(platform, secret) }, one)
    const me = (who: Record<string, string>): Promise<Reply> => platform.call('GET', '/api/v1/auth/me', undefined, who)
    expect((await me(two)).json).toMatchObject({ secondFactor: false })
    // The session that has shown nothing cannot add a factor of its own, not even with the password.
    expect(code(await post('mfa/setup', { currentPassword: PASSWORD }, two))).toBe('proof_required')
    const second = (await post('mfa/setup', {}, one)).json as { secret: string }
    platform.clock.advance(30_000)
    const reply = await post('mfa/verify', { code: codeNow(platform, second.secret), revokeOtherSessions: true }, one)
    expect(reply.status).toBe(200)
    expect([(await me(one)).status, (await me(two)).status]).toEqual([200, 401])
  })

  test('a session in a cookie gets a new cookie with it, and the old one is worth nothing', async () => {
    const person = await platform.signUp()
    const page = await platform.call('GET', '/login', undefined, { accept: 'application/json' })
    const own = { origin: PUBLIC_URL, accept: 'application/json' }
    const cookieOf = (reply: Reply, name: string): string =>
      new RegExp(`${name}=[^;]+`).exec(reply.headers['set-cookie'] ?? '')![0]
    const login = await platform.call(
      'POST',
      '/login',
      { identifier: person.email, password: PASSWORD },
      {
        ...own,
        cookie: cookieOf(page, '__Host-before_login'),
        'x-csrf-token': (page.json as { csrf_token: string }).csrf_token,
      },
    )
    const before = {
      ...own,
      cookie: cookieOf(login, '__Host-session_id'),
      'x-csrf-token': (login.json as { csrf_token: string }).csrf_token,
    }
    const { secret } = (await post('mfa/setup', {}, before)).json as { secret: string }
    const forged = await post('mfa/verify', { code: codeNow(platform, secret) }, { ...before, 'x-csrf-token': 'x' })
    expect(code(forged)).toBe('csrf_failed')
    const reply = await post('mfa/verify', { code: codeNow(platform, secret) }, before)
    expect(reply.status).toBe(200)
    const after = {
      ...own,
      cookie: cookieOf(reply, '__Host-session_id'),
      'x-csrf-token': reply.headers['x-csrf-token']!,
    }
    expect(after.cookie).not.toBe(before.cookie)
    expect((await platform.call('GET', '/api/v1/auth/me', undefined, before)).status).toBe(401)
    expect((await platform.call('GET', '/api/v1/auth/me', undefined, after)).json).toMatchObject({ secondFactor: true })
    expect((await post('mfa/setup', {}, after)).status).toBe(200)
  })
})

describe('signing in with a second factor', () => {
  test('takes a code or a recovery code, each once, and the pending token once', async () => {
    const person = await withFactor(platform)
    const token = await pendingToken(platform, person.email)
    const right = codeNow(platform, person.secret)
    const reply = await post('mfa/verify', { mfa_token: token, code: right })
    expect(reply.status).toBe(200)
    expect(reply.json).toMatchObject({ token_type: 'bearer', tenant: { id: person.tenantId } })
    const bearer = { authorization: `Bearer ${(reply.json as { access_token: string }).access_token}` }
    expect((await platform.call('GET', '/api/v1/auth/me', undefined, bearer)).json).toMatchObject({
      secondFactor: true,
    })
    expect(code(await post('mfa/verify', { mfa_token: token, code: codeNow(platform, person.secret, 30) }))).toBe(
      'mfa_token_invalid',
    )
    const second = await pendingToken(platform, person.email)
    expect(code(await post('mfa/verify', { mfa_token: second, code: right }))).toBe('invalid_code')
    const [recoveryCode] = person.recoveryCodes
    const typed = recoveryCode!.toLowerCase().replaceAll('-', ' ')
    expect((await post('mfa/verify', { mfa_token: second, recoveryCode: typed })).status).toBe(200)
    const third = await pendingToken(platform, person.email)
    expect(code(await post('mfa/verify', { mfa_token: third, recoveryCode }))).toBe('invalid_code')
  })

  test('only with a right one does it tell that somebody is no member of a tenant', async () => {
    const person = await withFactor(platform)
    const stranger = await platform.signUp()
    const shown = { email: person.email, password: PASSWORD, tenant: stranger.tenantId }
    const { mfa_token } = (await post('login', shown)).json as { mfa_token: string }
    const wrong = codeNow(platform, person.secret, 300)
    expect(code(await post('mfa/verify', { mfa_token, code: wrong }))).toBe('invalid_code')
    const right = codeNow(platform, person.secret)
    expect(code(await post('mfa/verify', { mfa_token, code: right }))).toBe('tenant_forbidden')
    const passkey = softPasskey({ origin: PUBLIC_URL })
    await registerPasskey(platform, person.bearer, passkey)
    const lie = await logInByPasskey(platform, passkey, { counter: 0 }, { tenant: stranger.tenantId })
    expect(code(lie)).toBe('passkey_refused')
  })

  test('the pending token opens nothing else, and dies after five minutes', async () => {
    const person = await withFactor(platform)
    const token = await pendingToken(platform, person.email)
    for (const headers of [
      { authorization: `Bearer ${token}` },
      { 'x-api-key': token },
      { cookie: `__Host-session_id=${token}` },
    ])
      for (const route of ['/api/v1/auth/me', '/api/v1/auth/sessions', '/api/v1/crates'])
        expect((await platform.call('GET', route, undefined, headers)).status).toBe(401)
    expect(code(await post('refresh', { refresh_token: token }))).toBe('refresh_invalid')
    expect(code(await post('password/reset', { token, password: 'a quite different phrase' }))).toBe('token_invalid')
    const reset = await post('mfa/verify', { mfa_token: person.refreshToken, code: codeNow(platform, person.secret) })
    expect(code(reset)).toBe('mfa_token_invalid')
    platform.clock.advance(301_000)
    const late = await post('mfa/verify', { mfa_token: token, code: codeNow(platform, person.secret) })
    expect(code(late)).toBe('mfa_token_invalid')
  })

  test('200 wrong codes at once, then a right one: refused, and that token stays dead', async () => {
    const person = await withFactor(platform)
    const token = await pendingToken(platform, person.email)
    const right = codeNow(platform, person.secret)
    const wrong = Array.from({ length: 200 }, (_, guess) =>
      String((Number(right) + 1 + guess) % 1_000_000).padStart(6, '0'),
    )
    const replies = await Promise.all(wrong.map((guess) => post('mfa/verify', { mfa_token: token, code: guess })))
    expect(replies.filter((reply) => reply.status === 200)).toHaveLength(0)
    expect(replies.filter((reply) => reply.status === 429).length).toBeGreaterThanOrEqual(195)
    expect((await post('mfa/verify', { mfa_token: token, code: right })).status).toBe(429)
    await freshGuesses(platform, person.userId)
    expect(code(await post('mfa/verify', { mfa_token: token, code: right }))).toBe('mfa_token_invalid')
    const again = await pendingToken(platform, person.email)
    expect((await post('mfa/verify', { mfa_token: again, code: right })).status).toBe(200)
  }, 60_000)

  test('a sign-in that waits ends with the password that it began with', async () => {
    const person = await withFactor(platform)
    const token = await pendingToken(platform, person.email)
    const body = { currentPassword: PASSWORD, newPassword: 'another pass phrase of some length' }
    expect((await post('password/change', body, person.bearer)).status).toBe(204)
    expect(code(await post('mfa/verify', { mfa_token: token, code: codeNow(platform, person.secret) }))).toBe(
      'mfa_token_invalid',
    )
  })

  test('eight characters are enough for a password beside a factor', async () => {
    const body = { currentPassword: PASSWORD, newPassword: 'vexq 7 zo' }
    const without = await platform.signUp()
    expect(code(await post('password/change', body, without.bearer))).toBe('validation_failed')
    const person = await withFactor(platform)
    expect((await post('password/change', body, person.bearer)).status).toBe(204)
    expect(code(await post('password/change', { ...body, newPassword: 'vexq 7z' }, person.bearer))).not.toBe(undefined)
  })
})

describe('one’s own factors', () => {
  const remove = (id: string, headers: Readonly<Record<string, string>>): Promise<Reply> =>
    platform.call('DELETE', `/api/v1/auth/mfa/devices/${id}`, undefined, headers)

  test('are listed without their secret, and are nobody else’s', async () => {
    const person = await withFactor(platform)
    const stranger = await withFactor(platform)
    const list = await platform.call('GET', '/api/v1/auth/mfa/devices', undefined, person.bearer)
    expect(list.json).toMatchObject({ data: [{ id: person.deviceId, kind: 'totp' }], recoveryCodesLeft: 10 })
    expect(list.body).not.toMatch(/secret|s1\./)
    const one = (who: typeof person): Promise<Reply> =>
      platform.call('GET', `/api/v1/auth/mfa/devices/${person.deviceId}`, undefined, who.bearer)
    expect([(await one(person)).status, (await one(stranger)).status]).toEqual([200, 404])
    expect((await remove(person.deviceId, stranger.bearer)).status).toBe(404)
    expect((await remove('nonsense', person.bearer)).status).toBe(404)
  })

  test('are removed just after the password or a code was shown, and the mail says so', async () => {
    const person = await withFactor(platform)
    platform.clock.advance(11 * 60_000)
    expect(code(await remove(person.deviceId, person.bearer))).toBe('proof_required')
    const show = (body: unknown): Promise<Reply> => post('reauthenticate', body, person.bearer)
    expect(code(await show({}))).toBe('proof_required')
    expect(code(await show({ code: '000000' }))).toBe('invalid_code')
    expect(code(await show({ currentPassword: 'wrong' }))).toBe('invalid_credentials')
    expect(code(await remove(person.deviceId, person.bearer))).toBe('proof_required')
    expect((await show({ code: codeNow(platform, person.secret) })).status).toBe(204)
    expect((await remove(person.deviceId, person.bearer)).status).toBe(204)
    expect((await post('login', { email: person.email, password: PASSWORD })).json).toHaveProperty('access_token')
    expect(await stored('select 1 from plinth.recovery_codes where user_id = $1::uuid', person.userId)).toEqual([])
    const me = await platform.call('GET', '/api/v1/auth/me', undefined, person.bearer)
    expect(me.json).toMatchObject({ secondFactor: false })
    await platform.mail.waitFor(person.email, { count: 3 })
    const subjects = platform.mail.to(person.email).map((mail) => mail.subject)
    expect(subjects.join()).toMatch(/added.*removed/)
  })

  test('are not removed, nor added to, by a session that has shown none', async () => {
    const someone = await platform.signUp()
    const login = await post('login', { email: someone.email, password: PASSWORD })
    const older = { authorization: `Bearer ${(login.json as { access_token: string }).access_token}` }
    const person = await withFactor(platform, someone)
    expect(code(await remove(person.deviceId, older))).toBe('proof_required')
    expect(code(await post('reauthenticate', { currentPassword: PASSWORD }, older))).toBe('proof_required')
    expect(code(await post('mfa/recovery-codes', { currentPassword: PASSWORD }, older))).toBe('proof_required')
    const [recoveryCode] = person.recoveryCodes
    expect((await post('reauthenticate', { recoveryCode }, older)).status).toBe(204)
    const me = await platform.call('GET', '/api/v1/auth/me', undefined, older)
    expect(me.json).toMatchObject({ secondFactor: true })
    expect((await platform.call('DELETE', '/api/v1/auth/mfa/devices', undefined, older)).status).toBe(204)
  })

  test('recovery codes are replaced, and the old ones are worth nothing', async () => {
    const person = await withFactor(platform)
    const reply = await post('mfa/recovery-codes', { code: codeNow(platform, person.secret) }, person.bearer)
    expect(reply.status).toBe(200)
    const { recoveryCodes } = reply.json as { recoveryCodes: string[] }
    const token = await pendingToken(platform, person.email)
    const show = (recoveryCode: string): Promise<Reply> => post('mfa/verify', { mfa_token: token, recoveryCode })
    expect(code(await show(person.recoveryCodes[0]!))).toBe('invalid_code')
    expect((await show(recoveryCodes[0]!)).status).toBe(200)
    const without = await platform.signUp()
    expect(code(await post('mfa/recovery-codes', {}, without.bearer))).toBe('factor_missing')
  })
})

describe('a tenant that asks for a second factor', () => {
  const ask = async (tenantId: string): Promise<void> => {
    await stored('update plinth.tenants set require_mfa = true where id = $1::uuid returning id', tenantId)
    platform.database.forget()
  }
  const crates = (accessToken: string): Promise<Reply> =>
    platform.call('GET', '/api/v1/crates', undefined, { authorization: `Bearer ${accessToken}` })

  test('is not entered by login, refresh or reset without one; who has none can set one up', async () => {
    const person = await platform.signUp()
    // A factor that is older than the proof of the address would end with the reset.
    await platform.mail.waitFor(person.email)
    expect((await post('email/verify', { token: linkTo(person.email) }, person.bearer)).status).toBe(204)
    expect((await crates(person.accessToken)).status).toBe(200)
    await ask(person.tenantId)
    expect(code(await crates(person.accessToken))).toBe('second_factor_required')
    const refreshed = await post('refresh', { refresh_token: person.refreshToken })
    const { access_token } = refreshed.json as { access_token: string }
    expect(code(await crates(access_token))).toBe('second_factor_required')
    const withOne = await withFactor(platform, { ...person, bearer: { authorization: `Bearer ${access_token}` } })
    expect((await crates(access_token)).status).toBe(200)

    await platform.parts.after.settled()
    const before = platform.mail.to(person.email).length
    await post('password/forgot', { email: person.email })
    await platform.mail.waitFor(person.email, { count: before + 1 })
    const token = linkTo(person.email)
    const password = 'one more pass phrase of length'
    expect((await post('password/reset', { token, password })).status).toBe(204)
    expect((await crates(access_token)).status).toBe(401)
    const login = await post('login', { email: person.email, password })
    expect(login.json).toMatchObject({ mfa_required: true })
    expect(login.json).not.toHaveProperty('access_token')
    const { mfa_token } = login.json as { mfa_token: string }
    const done = await post('mfa/verify', { mfa_token, code: codeNow(platform, withOne.secret) })
    expect((await crates((done.json as { access_token: string }).access_token)).status).toBe(200)
  })

  test('keeps the last one in its place', async () => {
    const person = await withFactor(platform)
    await ask(person.tenantId)
    const all = await platform.call('DELETE', '/api/v1/auth/mfa/devices', undefined, person.bearer)
    expect(code(all)).toBe('factor_needed')
    const { secret, id } = (await post('mfa/setup', {}, person.bearer)).json as { secret: string; id: string }
    expect((await post('mfa/verify', { code: codeNow(platform, secret) }, person.bearer)).status).toBe(200)
    const both = await Promise.all(
      [id, person.deviceId].map((each) =>
        platform.call('DELETE', `/api/v1/auth/mfa/devices/${each}`, undefined, person.bearer),
      ),
    )
    expect(both.map((reply) => reply.status).toSorted((one, two) => one - two)).toEqual([204, 409])
  })
})

test('secrets are sealed anew, and open still', async () => {
  const person = await withFactor(platform)
  const sealed = async (): Promise<unknown> =>
    (await stored('select secret from plinth.mfa_devices where id = $1::uuid', person.deviceId))[0]!['secret']
  const before = await sealed()
  expect((await platform.plinth.reseal())['auth']).toBeGreaterThan(0)
  expect(await sealed()).not.toBe(before)
  const token = await pendingToken(platform, person.email)
  expect((await post('mfa/verify', { mfa_token: token, code: codeNow(platform, person.secret) })).status).toBe(200)
})
