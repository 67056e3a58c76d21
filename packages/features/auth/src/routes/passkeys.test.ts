import { softPasskey, type Dishonesty } from '@plinth/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openAuth, PASSWORD, PUBLIC_URL, type AuthPlatform } from '../../tests/open-auth.ts'
import {
  askToLogIn,
  askToProve,
  askToRegister,
  logInByPasskey,
  registerPasskey,
  withPasskey,
} from '../../tests/passkeys.ts'
import { codeNow, freshGuesses, pendingToken, withFactor } from '../../tests/second-factor.ts'

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
const bearerOf = (reply: Reply): { authorization: string } => ({
  authorization: `Bearer ${(reply.json as { access_token: string }).access_token}`,
})
const me = async (headers: Readonly<Record<string, string>>): Promise<unknown> =>
  (await platform.call('GET', '/api/v1/auth/me', undefined, headers)).json
const stored = (text: string, ...parameters: string[]): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  platform.superuser.query(text, parameters)

describe('registering a passkey', () => {
  test('asks for one that its device finds and gives to its user alone, and counts at once', async () => {
    const person = await platform.signUp()
    const { publicKey } = await askToRegister(platform, person.bearer)
    expect(publicKey).toMatchObject({
      rp: { id: 'app.example.com' },
      user: { name: person.email },
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      excludeCredentials: [],
    })
    expect(Buffer.from(publicKey.challenge, 'base64url')).toHaveLength(32)
    const passkey = softPasskey({ origin: PUBLIC_URL })
    const reply = await registerPasskey(platform, person.bearer, passkey)
    expect(reply.status, reply.body).toBe(201)
    expect(reply.json).toMatchObject({ kind: 'passkey', name: 'Passkey', synced: false, refusedAt: null })
    expect((reply.json as { recoveryCodes: string[] }).recoveryCodes).toHaveLength(10)
    expect(await me(person.bearer)).toMatchObject({ secondFactor: true })
    await platform.mail.waitFor(person.email, { count: 2 })
    expect(
      platform.mail
        .to(person.email)
        .map((mail) => mail.subject)
        .join(),
    ).toContain('passkey was added')
    // A second one: the recovery codes of the first are still good.
    const second = await registerPasskey(platform, person.bearer, softPasskey({ origin: PUBLIC_URL, counts: false }))
    expect(second.json).toMatchObject({ kind: 'passkey', synced: true })
    expect(second.json).not.toHaveProperty('recoveryCodes')
    const again = await askToRegister(platform, person.bearer)
    expect(() => passkey.create(again.publicKey)).toThrow('registered already')
  })

  test('of every algorithm that is asked for', async () => {
    for (const algorithm of ['ES256', 'EdDSA', 'RS256'] as const) {
      const person = await withPasskey(platform, { algorithm })
      expect((await logInByPasskey(platform, person.passkey)).status, algorithm).toBe(200)
    }
  })

  test('takes no word of an authenticator about its maker, and reads no certificate', async () => {
    const person = await platform.signUp()
    const certificate = new Map<string, string | Uint8Array>([
      ['sig', Buffer.alloc(70)],
      ['x5c', Buffer.alloc(900)],
    ])
    for (const format of ['packed', 'tpm', 'android-key', 'nonsense']) {
      const passkey = softPasskey({ origin: PUBLIC_URL })
      const lie = { attestation: { format, statement: certificate } }
      const reply = await registerPasskey(platform, person.bearer, passkey, lie)
      expect(reply.status, reply.body).toBe(201)
    }
  })

  test('asks for a recent sign-in, and where there is a factor, for that', async () => {
    const person = await platform.signUp()
    const login = await post('login', { email: person.email, password: PASSWORD })
    const older = bearerOf(login)
    platform.clock.advance(11 * 60_000)
    const ask = (proof: object, headers = person.bearer): Promise<Reply> =>
      post('passkeys/register/options', proof, headers)
    expect(code(await ask({}))).toBe('proof_required')
    expect(code(await ask({ currentPassword: 'wrong' }))).toBe('invalid_credentials')
    expect((await ask({ currentPassword: PASSWORD })).status).toBe(200)
    await post('reauthenticate', { currentPassword: PASSWORD }, person.bearer)
    const { passkey } = await withPasskey(platform, {}, person)
    expect(code(await ask({ currentPassword: PASSWORD }, older as never))).toBe('proof_required')
    const { ceremony, publicKey } = await askToProve(platform, older)
    const shown = { passkey: { ceremony, credential: passkey.get(publicKey) } }
    expect((await ask(shown, older as never)).status).toBe(200)
    expect(code(await ask(shown, older as never))).toBe('passkey_refused')
  })

  test('a session that asked before the account had a factor does not get its own in afterwards', async () => {
    const person = await platform.signUp()
    const thief = bearerOf(await post('login', { email: person.email, password: PASSWORD }))
    const asked = await askToRegister(platform, thief)
    await withPasskey(platform, {}, person)
    const credential = softPasskey({ origin: PUBLIC_URL }).create(asked.publicKey)
    const reply = await post('passkeys/register/verify', { ceremony: asked.ceremony, credential }, thief)
    expect(code(reply)).toBe('proof_required')
  })

  test('nor one that set up an authenticator before; one that has shown the factor does', async () => {
    const person = await platform.signUp()
    const thief = bearerOf(await post('login', { email: person.email, password: PASSWORD }))
    const { secret } = (await post('mfa/setup', {}, thief)).json as { secret: string }
    platform.clock.advance(1_000)
    await withPasskey(platform, {}, person)
    const confirm = (headers: Readonly<Record<string, string>>): Promise<Reply> =>
      post('mfa/verify', { code: codeNow(platform, secret) }, headers)
    expect(code(await confirm(thief))).toBe('proof_required')
    expect(await stored('select id from plinth.mfa_devices where user_id = $1::uuid', person.userId)).toHaveLength(2)
    expect((await confirm(person.bearer)).status).toBe(200)
  })

  test('a passkey of somebody is nobody else’s, nor his own twice', async () => {
    const owner = await withPasskey(platform)
    const stranger = await platform.signUp()
    for (const who of [stranger, owner]) {
      const { ceremony, publicKey } = await askToRegister(platform, who.bearer)
      const other = softPasskey({ origin: PUBLIC_URL })
      const { credentialId } = owner.passkey
      const reply = await post(
        'passkeys/register/verify',
        { ceremony, credential: other.create({ ...publicKey, excludeCredentials: [] }, { credentialId }) },
        who.bearer,
      )
      expect([reply.status, code(reply)]).toEqual([409, 'passkey_taken'])
    }
    expect(await me(stranger.bearer)).toMatchObject({ secondFactor: false })
    expect((await logInByPasskey(platform, owner.passkey)).status).toBe(200)
  })

  test('is for the session that asked, and for it once', async () => {
    const person = await platform.signUp()
    const other = bearerOf(await post('login', { email: person.email, password: PASSWORD }))
    const stranger = await platform.signUp()
    const send = async (headers: Readonly<Record<string, string>>, asked: { ceremony: string; publicKey: never }) =>
      post(
        'passkeys/register/verify',
        { ceremony: asked.ceremony, credential: softPasskey({ origin: PUBLIC_URL }).create(asked.publicKey) },
        headers,
      )
    const asked = (await askToRegister(platform, person.bearer)) as never as { ceremony: string; publicKey: never }
    expect(code(await send(other, asked))).toBe('passkey_invalid')
    expect(code(await send(stranger.bearer, asked))).toBe('passkey_invalid')
    expect((await send(person.bearer, asked)).status).toBe(201)
    expect(code(await send(person.bearer, asked))).toBe('passkey_invalid')
    const late = (await askToRegister(platform, person.bearer)) as never as { ceremony: string; publicKey: never }
    platform.clock.advance(301_000)
    expect(code(await send(person.bearer, late))).toBe('passkey_invalid')
  })

  test('options for which nothing has to be shown register nothing', async () => {
    const person = await platform.signUp()
    platform.clock.advance(11 * 60_000)
    const asked = await askToProve(platform, person.bearer)
    const options = { ...asked.publicKey, rp: { id: 'app.example.com' } }
    const user = { id: Buffer.from(person.userId.replaceAll('-', ''), 'hex').toString('base64url') }
    const credential = softPasskey({ origin: PUBLIC_URL }).create({ ...options, user })
    const reply = await post('passkeys/register/verify', { ceremony: asked.ceremony, credential }, person.bearer)
    expect(code(reply)).toBe('passkey_invalid')
  })

  test.each<[string, Dishonesty]>([
    ['another origin', { origin: 'https://app.example.com.evil.example' }],
    ['the same host by http', { origin: 'http://app.example.com' }],
    ['another relying party', { rpId: 'example.com' }],
    ['another challenge', { challenge: 'A'.repeat(43) }],
    ['an answer to the other question', { type: 'webauthn.get' }],
    ['in a frame', { crossOrigin: true }],
    ['in a frame, said otherwise', { topOrigin: 'https://evil.example' }],
    ['nobody there', { userPresent: false }],
    ['nobody known', { userVerified: false }],
    ['without a credential id', { credentialId: '' }],
  ])('%s: 400', async (_what, lie) => {
    const person = await platform.signUp()
    const reply = await registerPasskey(platform, person.bearer, softPasskey({ origin: PUBLIC_URL }), lie)
    expect(reply.status, reply.body).toBe(400)
    expect(reply.headers['content-type']).toBe('application/problem+json')
    expect(await me(person.bearer)).toMatchObject({ secondFactor: false })
  })
})

describe('signing in by a passkey alone', () => {
  test('is both factors, and names nobody before', async () => {
    const person = await withPasskey(platform)
    const { publicKey } = await askToLogIn(platform)
    expect(publicKey).toMatchObject({ rpId: 'app.example.com', userVerification: 'required', allowCredentials: [] })
    // Whoever is named, there is no more to see.
    for (const email of [person.email, 'nobody@example.com']) {
      const named = await askToLogIn(platform, { email, username: email })
      expect({ ...named.publicKey, challenge: '' }).toEqual({ ...publicKey, challenge: '' })
    }
    const reply = await logInByPasskey(platform, person.passkey)
    expect(reply.status, reply.body).toBe(200)
    expect(reply.headers['cache-control']).toBe('no-store')
    expect(reply.json).toMatchObject({ token_type: 'bearer', tenant: { id: person.tenantId } })
    expect(await me(bearerOf(reply))).toMatchObject({ user: { id: person.userId }, secondFactor: true })
    await stored('update plinth.tenants set require_mfa = true where id = $1::uuid returning id', person.tenantId)
    platform.database.forget()
    expect((await platform.call('GET', '/api/v1/crates', undefined, bearerOf(reply))).status).toBe(200)
  })

  test('a tenant is chosen among one’s own', async () => {
    const person = await withPasskey(platform)
    const { ceremony, publicKey } = await askToLogIn(platform)
    const body = { ceremony, credential: person.passkey.get(publicKey), tenant: 'somebody-elses' }
    expect(code(await post('passkeys/login/verify', body))).toBe('tenant_forbidden')
  })

  test.each<[string, Dishonesty]>([
    ['another origin', { origin: 'https://evil.example' }],
    ['a host below', { origin: 'https://evil.app.example.com' }],
    ['another relying party', { rpId: 'evil.example' }],
    ['another challenge', { challenge: 'A'.repeat(43) }],
    ['an answer to the other question', { type: 'webauthn.create' }],
    ['in a frame', { crossOrigin: true, topOrigin: 'https://evil.example' }],
    ['in a frame, of which nobody says whose', { crossOrigin: true }],
    ['nobody there', { userPresent: false }],
    ['nobody known', { userVerified: false }],
    ['another one’s handle', { userHandle: Buffer.alloc(16, 7).toString('base64url') }],
    ['no handle', { userHandle: null }],
    ['an unknown credential', { credentialId: Buffer.alloc(32, 7).toString('base64url') }],
  ])('%s: refused, and the passkey is none the worse', async (_what, lie) => {
    const person = await withPasskey(platform)
    const reply = await logInByPasskey(platform, person.passkey, lie)
    expect([reply.status, code(reply)], reply.body).toEqual([401, 'passkey_refused'])
    expect(reply.headers['www-authenticate']).toBe('Bearer')
    expect(reply.headers['content-type']).toBe('application/problem+json')
    expect((await logInByPasskey(platform, person.passkey)).status).toBe(200)
  })

  test('another one’s passkey, and a signature with one bit less', async () => {
    const [person, other] = [await withPasskey(platform), await withPasskey(platform)]
    const reply = await logInByPasskey(platform, other.passkey, {
      credentialId: person.passkey.credentialId,
      userHandle: Buffer.from(person.userId.replaceAll('-', ''), 'hex').toString('base64url'),
    })
    expect(code(reply)).toBe('passkey_refused')
    for (const part of ['signature', 'authenticatorData', 'clientDataJSON'] as const) {
      const { ceremony, publicKey } = await askToLogIn(platform)
      const credential = person.passkey.get(publicKey)
      const bytes = Buffer.from(credential.response[part], 'base64url')
      bytes[bytes.length - 3]! ^= 1
      const response = { ...credential.response, [part]: bytes.toString('base64url') }
      const body = { ceremony, credential: { ...credential, response } }
      expect(code(await post('passkeys/login/verify', body)), part).toBe('passkey_refused')
    }
  })

  test('an answer works once, in time, and for the ceremony that it was made for', async () => {
    const person = await withPasskey(platform)
    const asked = await askToLogIn(platform)
    const body = { ceremony: asked.ceremony, credential: person.passkey.get(asked.publicKey) }
    const other = await askToLogIn(platform)
    expect(code(await post('passkeys/login/verify', { ...body, ceremony: other.ceremony }))).toBe('passkey_refused')
    expect((await post('passkeys/login/verify', body)).status).toBe(200)
    expect(code(await post('passkeys/login/verify', body))).toBe('passkey_refused')
    // Options of a session are none to sign in by, nor the other way round.
    const proof = await askToProve(platform, person.bearer)
    const shown = { ceremony: proof.ceremony, credential: person.passkey.get(proof.publicKey) }
    expect(code(await post('passkeys/login/verify', shown))).toBe('passkey_refused')
    const free = await askToLogIn(platform)
    const passkey = { ceremony: free.ceremony, credential: person.passkey.get(free.publicKey) }
    expect(code(await post('reauthenticate', { passkey }, person.bearer))).toBe('passkey_refused')
    const late = await askToLogIn(platform)
    const credential = person.passkey.get(late.publicKey)
    platform.clock.advance(301_000)
    expect(code(await post('passkeys/login/verify', { ceremony: late.ceremony, credential }))).toBe('passkey_refused')
  })

  test('a counter that goes backwards marks the passkey, which is refused from then on and counts still', async () => {
    const person = await withPasskey(platform)
    expect((await logInByPasskey(platform, person.passkey)).status).toBe(200)
    expect(code(await logInByPasskey(platform, person.passkey, { counter: 1 }))).toBe('passkey_refused')
    expect(code(await logInByPasskey(platform, person.passkey, { counter: 99 }))).toBe('passkey_refused')
    const list = await platform.call('GET', '/api/v1/auth/mfa/devices', undefined, person.bearer)
    expect((list.json as { data: { refusedAt: string | null }[] }).data[0]!.refusedAt).toEqual(expect.any(String))
    // The account is no weaker for it: the password alone is not enough.
    const login = await post('login', { email: person.email, password: PASSWORD })
    expect(login.json).toMatchObject({ mfa_required: true, factors: [] })
    const { mfa_token } = login.json as { mfa_token: string }
    expect((await post('mfa/verify', { mfa_token, recoveryCode: person.recoveryCodes[0] })).status).toBe(200)
    await platform.mail.waitFor(person.email, { count: 3 })
    expect(
      platform.mail
        .to(person.email)
        .map((mail) => mail.subject)
        .join(),
    ).toContain('copied')
  })

  test('a count that only came late is refused, and the passkey is none the worse', async () => {
    const person = await withPasskey(platform)
    const early = await askToLogIn(platform)
    const credential = person.passkey.get(early.publicKey)
    platform.clock.advance(1_000)
    expect((await logInByPasskey(platform, person.passkey)).status).toBe(200)
    const late = await post('passkeys/login/verify', { ceremony: early.ceremony, credential })
    expect(code(late)).toBe('passkey_refused')
    expect((await logInByPasskey(platform, person.passkey)).status).toBe(200)
    // The same count for another question is a copy's, whenever that was asked.
    const asked = await askToLogIn(platform)
    platform.clock.advance(1_000)
    expect((await logInByPasskey(platform, person.passkey, { counter: 9 })).status).toBe(200)
    const again = { ceremony: asked.ceremony, credential: person.passkey.get(asked.publicKey, { counter: 9 }) }
    expect(code(await post('passkeys/login/verify', again))).toBe('passkey_refused')
    expect(code(await logInByPasskey(platform, person.passkey, { counter: 10 }))).toBe('passkey_refused')
  })

  test('only an answer that is rightly signed marks it', async () => {
    const person = await withPasskey(platform)
    await logInByPasskey(platform, person.passkey)
    const { ceremony, publicKey } = await askToLogIn(platform)
    const credential = person.passkey.get(publicKey, { counter: 0 })
    const signature = Buffer.alloc(70, 1).toString('base64url')
    const body = { ceremony, credential: { ...credential, response: { ...credential.response, signature } } }
    expect(code(await post('passkeys/login/verify', body))).toBe('passkey_refused')
    expect((await logInByPasskey(platform, person.passkey)).status).toBe(200)
  })

  test('those that count nothing stay good, and one that counted must go on', async () => {
    const synced = await withPasskey(platform, { counts: false })
    for (let use = 0; use < 3; use += 1) expect((await logInByPasskey(platform, synced.passkey)).status).toBe(200)
    const counting = await withPasskey(platform)
    await logInByPasskey(platform, counting.passkey)
    expect(code(await logInByPasskey(platform, counting.passkey, { counter: 0 }))).toBe('passkey_refused')
  })

  test('of who is suspended or gone is refused at once', async () => {
    const person = await withPasskey(platform)
    const asked = await askToLogIn(platform)
    await stored(`update plinth.users set status = 'suspended' where id = $1::uuid returning id`, person.userId)
    const body = { ceremony: asked.ceremony, credential: person.passkey.get(asked.publicKey) }
    expect(code(await post('passkeys/login/verify', body))).toBe('passkey_refused')
    await stored(`update plinth.users set status = 'active' where id = $1::uuid returning id`, person.userId)
    expect((await logInByPasskey(platform, person.passkey)).status).toBe(200)
    await stored('delete from plinth.tenants where id = $1::uuid returning id', person.tenantId).catch(() => [])
    await stored('delete from plinth.users where id = $1::uuid returning id', person.userId)
    expect(code(await logInByPasskey(platform, person.passkey))).toBe('passkey_refused')
  })

  test('after a new password it is a second factor until it was shown beside it', async () => {
    const person = await withPasskey(platform)
    const password = 'another pass phrase of some length'
    platform.clock.advance(1000)
    const body = { currentPassword: PASSWORD, newPassword: password }
    expect((await post('password/change', body, person.bearer)).status).toBe(204)
    expect(code(await logInByPasskey(platform, person.passkey))).toBe('passkey_needs_password')
    expect(code(await logInByPasskey(platform, person.passkey))).toBe('passkey_needs_password')
    const login = await post('login', { email: person.email, password })
    const { mfa_token } = login.json as { mfa_token: string }
    expect((await logInByPasskey(platform, person.passkey, {}, { mfa_token })).status).toBe(200)
    expect((await logInByPasskey(platform, person.passkey)).status).toBe(200)
  })

  test('guesses are counted: for a passkey and a client, and for a client', async () => {
    const person = await withPasskey(platform)
    for (let guess = 0; guess < 10; guess += 1) {
      const reply = await logInByPasskey(platform, person.passkey, { userHandle: null })
      expect(reply.status).toBe(401)
    }
    expect((await logInByPasskey(platform, person.passkey)).status).toBe(429)
    const other = await withPasskey(platform)
    expect((await logInByPasskey(platform, other.passkey)).status).toBe(200)
  })
})

describe('a passkey as the second factor', () => {
  test('finishes a sign-in that began with the password', async () => {
    const person = await withPasskey(platform)
    const login = await post('login', { email: person.email, password: PASSWORD })
    expect(login.json).toMatchObject({ mfa_required: true, factors: ['passkey'] })
    const { mfa_token } = login.json as { mfa_token: string }
    const { publicKey } = await askToLogIn(platform, { mfa_token })
    expect(publicKey.allowCredentials).toMatchObject([{ id: person.passkey.credentialId, type: 'public-key' }])
    const reply = await logInByPasskey(platform, person.passkey, { userHandle: null }, { mfa_token })
    expect(reply.status, reply.body).toBe(200)
    expect(await me(bearerOf(reply))).toMatchObject({ secondFactor: true })
    expect((await post('passkeys/login/options', { mfa_token })).status).toBe(401)
    expect(code(await post('passkeys/login/options', { mfa_token: 'mfa_nonsense' }))).toBe('mfa_token_invalid')
  })

  test('must be of the same person and the same sign-in, and wrong ones cost tries', async () => {
    const [person, other] = [await withPasskey(platform), await withPasskey(platform)]
    const mfa_token = await pendingToken(platform, person.email)
    const forged = await logInByPasskey(
      platform,
      other.passkey,
      { credentialId: other.passkey.credentialId },
      { mfa_token },
    )
    expect(code(forged)).toBe('passkey_refused')
    // A ceremony that was begun without the password, or for another sign-in, finishes none.
    const second = await pendingToken(platform, person.email)
    for (const body of [{}, { mfa_token: second }]) {
      const { ceremony, publicKey } = await askToLogIn(platform, body)
      const credential = person.passkey.get(publicKey)
      expect(code(await post('passkeys/login/verify', { ceremony, credential, mfa_token }))).toBe('passkey_refused')
    }
    const { ceremony, publicKey } = await askToLogIn(platform, { mfa_token })
    const credential = person.passkey.get(publicKey)
    // Nor does one that was begun with it do without.
    expect(code(await post('passkeys/login/verify', { ceremony, credential }))).toBe('passkey_refused')
    await freshGuesses(platform, person.userId)
    await logInByPasskey(platform, person.passkey, { userPresent: false }, { mfa_token })
    await freshGuesses(platform, person.userId)
    await logInByPasskey(platform, person.passkey, { userPresent: false }, { mfa_token })
    await freshGuesses(platform, person.userId)
    const late = await logInByPasskey(platform, person.passkey, {}, { mfa_token })
    expect(code(late)).toBe('mfa_token_invalid')
  })

  test('is held up by no wrong codes, nor are codes by wrong answers of passkeys', async () => {
    const person = await withPasskey(platform)
    const factor = await withFactor(platform, person)
    await post('reauthenticate', { currentPassword: PASSWORD }, person.bearer)
    const bare = { userPresent: false }
    for (let count = 0; count < 6; count += 1) {
      const mfa_token = await pendingToken(platform, person.email)
      expect(code(await logInByPasskey(platform, person.passkey, bare, { mfa_token }))).toBe('passkey_refused')
      const { ceremony, publicKey } = await askToProve(platform, person.bearer)
      const passkey = { ceremony, credential: person.passkey.get(publicKey, bare) }
      expect(code(await post('reauthenticate', { passkey }, person.bearer))).toBe('passkey_refused')
    }
    const wrong = codeNow(platform, factor.secret, 300)
    for (let count = 0; count < 5; count += 1) {
      const mfa_token = await pendingToken(platform, person.email)
      expect(code(await post('mfa/verify', { mfa_token, code: wrong }))).toBe('invalid_code')
    }
    const mfa_token = await pendingToken(platform, person.email)
    const right = { mfa_token, code: codeNow(platform, factor.secret) }
    expect((await post('mfa/verify', right)).status).toBe(429)
    expect((await logInByPasskey(platform, person.passkey, {}, { mfa_token })).status).toBe(200)
    const { ceremony, publicKey } = await askToProve(platform, person.bearer)
    const passkey = { ceremony, credential: person.passkey.get(publicKey) }
    expect((await post('reauthenticate', { passkey }, person.bearer)).status).toBe(204)
  })

  test('stands beside codes, and eight characters are enough for a password beside it', async () => {
    const person = await withFactor(platform)
    const passkey = softPasskey({ origin: PUBLIC_URL })
    expect((await registerPasskey(platform, person.bearer, passkey)).json).not.toHaveProperty('recoveryCodes')
    const login = await post('login', { email: person.email, password: PASSWORD })
    expect(login.json).toMatchObject({ factors: ['passkey', 'totp'] })
    const { mfa_token } = login.json as { mfa_token: string }
    expect((await post('mfa/verify', { mfa_token, code: codeNow(platform, person.secret) })).status).toBe(200)
    const alone = await withPasskey(platform)
    const body = { currentPassword: PASSWORD, newPassword: 'vexq 7 zo' }
    expect((await post('password/change', body, alone.bearer)).status).toBe(204)
    // Sealing anew does not stumble over what is not sealed.
    expect((await platform.plinth.reseal())['auth']).toBeGreaterThan(0)
  })
})

describe('one’s own passkeys', () => {
  const device = (
    method: string,
    id: string,
    headers: Readonly<Record<string, string>>,
    body?: unknown,
  ): Promise<Reply> => platform.call(method, `/api/v1/auth/mfa/devices/${id}`, body, headers)

  test('are listed, renamed and removed like other factors, by their owner alone', async () => {
    const person = await withPasskey(platform)
    const stranger = await withPasskey(platform)
    expect((await device('GET', person.deviceId, person.bearer)).json).toMatchObject({ kind: 'passkey' })
    for (const [method, body] of [
      ['GET', undefined],
      ['PATCH', { name: 'Mine' }],
      ['DELETE', undefined],
    ] as const)
      expect((await device(method, person.deviceId, stranger.bearer, body)).status).toBe(404)
    const renamed = await device('PATCH', person.deviceId, person.bearer, { name: ' Laptop ' })
    expect(renamed.json).toMatchObject({ id: person.deviceId, name: 'Laptop' })
    expect((await device('PATCH', 'nonsense', person.bearer, { name: 'x' })).status).toBe(404)
    platform.clock.advance(11 * 60_000)
    for (const method of ['PATCH', 'DELETE'])
      expect(code(await device(method, person.deviceId, person.bearer, { name: 'x' }))).toBe('proof_required')
    const { ceremony, publicKey } = await askToProve(platform, person.bearer)
    expect(publicKey.allowCredentials).toHaveLength(1)
    const passkey = { ceremony, credential: person.passkey.get(publicKey) }
    expect((await post('reauthenticate', { passkey }, person.bearer)).status).toBe(204)
    expect((await device('DELETE', person.deviceId, person.bearer)).status).toBe(204)
    expect(code(await logInByPasskey(platform, person.passkey))).toBe('passkey_refused')
    expect((await post('login', { email: person.email, password: PASSWORD })).json).toHaveProperty('access_token')
  })

  test('another session proves nothing for this one', async () => {
    const person = await withPasskey(platform)
    const other = bearerOf(await logInByPasskey(platform, person.passkey))
    const { ceremony, publicKey } = await askToProve(platform, other)
    const passkey = { ceremony, credential: person.passkey.get(publicKey) }
    expect(code(await post('reauthenticate', { passkey }, person.bearer))).toBe('passkey_refused')
  })

  test('one that was copied is no factor to fall back on, and leaves the recovery codes', async () => {
    const person = await withPasskey(platform)
    const copied = await logInByPasskey(platform, person.passkey, { counter: 1 })
    expect(code(copied)).toBe('passkey_refused')
    const asking = (on: boolean): Promise<unknown> =>
      stored(`update plinth.tenants set require_mfa = ${on} where id = $1::uuid returning id`, person.tenantId)
    const second = await registerPasskey(platform, person.bearer, softPasskey({ origin: PUBLIC_URL }))
    const { id } = second.json as { id: string }
    await asking(true)
    expect(code(await device('DELETE', id, person.bearer))).toBe('factor_needed')
    await asking(false)
    expect((await device('DELETE', id, person.bearer)).status).toBe(204)
    const mfa_token = await pendingToken(platform, person.email)
    const recovered = await post('mfa/verify', { mfa_token, recoveryCode: person.recoveryCodes[0] })
    expect(recovered.status).toBe(200)
    // Without it the account is one of a password again.
    expect((await device('DELETE', person.deviceId, bearerOf(recovered))).status).toBe(204)
    expect((await post('login', { email: person.email, password: PASSWORD })).json).toHaveProperty('access_token')
  })

  test('the last one stays where a tenant asks for a factor', async () => {
    const person = await withPasskey(platform)
    await stored('update plinth.tenants set require_mfa = true where id = $1::uuid returning id', person.tenantId)
    platform.database.forget()
    expect(code(await device('DELETE', person.deviceId, person.bearer))).toBe('factor_needed')
  })
})

describe('what is no answer of a browser', () => {
  const text = (bytes: string | Uint8Array): string => Buffer.from(bytes).toString('base64url')
  const deep = Buffer.concat([Buffer.alloc(20_000, 0x81), Buffer.of(0)])
  const long = Buffer.from([0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
  const clientData = (challenge: string, type: string): string =>
    text(JSON.stringify({ type, challenge, origin: PUBLIC_URL }))

  test('is refused as such, and never an error of ours', async () => {
    const person = await withPasskey(platform)
    for (const garbage of [
      'AA',
      text(deep),
      text(long),
      text(Buffer.alloc(36)),
      text(Buffer.alloc(200, 0xff)),
      text('{}'),
    ]) {
      const create = await askToRegister(platform, person.bearer)
      const id = text(Buffer.alloc(32, 1))
      const reply = await post(
        'passkeys/register/verify',
        {
          ceremony: create.ceremony,
          credential: {
            id,
            rawId: id,
            type: 'public-key',
            response: {
              clientDataJSON: clientData(create.publicKey.challenge, 'webauthn.create'),
              attestationObject: garbage,
            },
          },
        },
        person.bearer,
      )
      expect([reply.status, code(reply)], garbage.slice(0, 20)).toEqual([400, 'passkey_invalid'])
      const get = await askToProve(platform, person.bearer)
      const honest = person.passkey.get(get.publicKey)
      for (const part of ['authenticatorData', 'signature', 'clientDataJSON'] as const) {
        await freshGuesses(platform, person.userId)
        const again = await askToProve(platform, person.bearer)
        const response = {
          ...honest.response,
          clientDataJSON: clientData(again.publicKey.challenge, 'webauthn.get'),
          [part]: garbage.slice(0, part === 'signature' ? 2000 : 8000),
        }
        const passkey = { ceremony: again.ceremony, credential: { ...honest, response } }
        const shown = await post('reauthenticate', { passkey }, person.bearer)
        expect([shown.status, code(shown)], `${part} ${garbage.slice(0, 20)}`).toEqual([401, 'passkey_refused'])
      }
    }
  })

  test('has the form, or is told where it has not', async () => {
    const person = await withPasskey(platform)
    const honest = person.passkey.get((await askToLogIn(platform)).publicKey)
    const response = honest.response
    for (const wrong of [
      {},
      { ceremony: 'x' },
      { ceremony: 'x', credential: null },
      { ceremony: 'x', credential: { ...honest, id: 7 } },
      { ceremony: 'x', credential: { ...honest, type: 'password' } },
      { ceremony: 'x', credential: { ...honest, response: { ...response, signature: 'not base64url!' } } },
      { ceremony: 'x', credential: { ...honest, response: { ...response, signature: 'A'.repeat(3000) } } },
      { ceremony: 'x', credential: { ...honest, response: { ...response, clientDataJSON: 'A'.repeat(9000) } } },
      { ceremony: 'x', credential: { ...honest, response: { ...response, authenticatorData: 'A'.repeat(9000) } } },
      { ceremony: 'x', credential: { ...honest, response: { ...response, userHandle: 'A'.repeat(200) } } },
      { ceremony: 'x'.repeat(201), credential: honest },
    ]) {
      const reply = await post('passkeys/login/verify', wrong)
      expect([reply.status, code(reply)], JSON.stringify(wrong).slice(0, 80)).toEqual([400, 'validation_failed'])
    }
    const different = await post('passkeys/login/verify', { ceremony: 'x', credential: { ...honest, rawId: 'AAAA' } })
    expect(code(different)).toBe('passkey_refused')
  })
})
