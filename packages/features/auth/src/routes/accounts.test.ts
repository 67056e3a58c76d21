import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openAuth, PASSWORD, PUBLIC_URL, type AuthPlatform } from '../../tests/open-auth.ts'

let platform: AuthPlatform
beforeAll(async () => {
  platform = await openAuth()
}, 120_000)
afterAll(() => platform.close())

const token = (address: string): string => new URL(platform.mail.linkTo(address)).hash.slice('#token='.length)

describe('registering', () => {
  test('makes account, tenant and session at once, and the answer is flat', async () => {
    const email = 'Ada.Lovelace@Example.com'
    const reply = await platform.call('POST', '/api/v1/auth/register', {
      email,
      password: PASSWORD,
      name: 'Ada',
      organizationName: 'Analytical Engines',
      tenantId: 'aaaa',
      superadmin: true,
    })
    expect(reply.status).toBe(201)
    expect(reply.json).toMatchObject({
      token_type: 'bearer',
      expires_in: 3600,
      user: { email: 'Ada.Lovelace@example.com', name: 'Ada', emailVerified: false },
      tenant: { slug: 'analytical-engines' },
    })
    expect(Object.keys(reply.json as object).sort()).toEqual(
      ['access_token', 'expires_in', 'refresh_token', 'tenant', 'token_type', 'user'].sort(),
    )
    const me = await platform.call('GET', '/api/v1/auth/me', undefined, {
      authorization: `Bearer ${(reply.json as { access_token: string }).access_token}`,
    })
    expect(me.json).toMatchObject({ superadmin: false, tenant: { slug: 'analytical-engines' }, roles: ['owner'] })
  })

  test.each(['ada.lovelace@example.com', 'ADA.LOVELACE@EXAMPLE.COM', 'ａda.lovelace@example.com'])(
    '%s is taken',
    async (email) => {
      const reply = await platform.call('POST', '/api/v1/auth/register', { email, password: PASSWORD })
      expect(reply.json).toMatchObject({ status: 409, code: 'email_taken' })
    },
  )

  test.each([
    [{ email: 'nobody', password: PASSWORD }, '/email'],
    [{ email: 'a@example.com\r\nBcc: b@example.com', password: PASSWORD }, '/email'],
    [{ email: 'short@example.com', password: 'short' }, '/password'],
    [{ email: 'common@example.com', password: 'passwordpassword' }, '/password'],
    [{ email: 'user@example.com', password: PASSWORD, username: 'a b' }, '/username'],
  ])('%j is refused at %s', async (body, path) => {
    const reply = await platform.call('POST', '/api/v1/auth/register', body)
    expect(reply.status).toBe(400)
    expect((reply.json as { errors: { path: string }[] }).errors.map((error) => error.path)).toContain(path)
  })

  test('20 at once with one address: one account', async () => {
    const replies = await Promise.all(
      Array.from({ length: 20 }, () =>
        platform.call('POST', '/api/v1/auth/register', { email: 'race@example.com', password: PASSWORD }),
      ),
    )
    expect(replies.filter((reply) => reply.status === 201)).toHaveLength(1)
    expect(replies.filter((reply) => reply.status === 409)).toHaveLength(19)
  }, 60_000)
})

describe('signing in', () => {
  test('by address or user name; unknown and wrong are answered alike', async () => {
    await platform.call('POST', '/api/v1/auth/register', {
      email: 'grace@example.com',
      username: 'grace',
      password: PASSWORD,
    })
    for (const who of [{ email: 'GRACE@example.com' }, { username: 'Grace' }]) {
      const reply = await platform.call('POST', '/api/v1/auth/login', { ...who, password: PASSWORD })
      expect(reply.status).toBe(200)
    }
    const wrong = [
      { email: 'grace@example.com', password: 'wrong' },
      { email: 'nobody@example.com', password: 'wrong' },
      { email: 'no address', password: 'wrong' },
      { username: 'nobody', password: 'x'.repeat(4096) },
    ]
    const replies = await Promise.all(wrong.map((body) => platform.call('POST', '/api/v1/auth/login', body)))
    const plain = replies.map(({ status, json, headers }) => ({
      status,
      json: { ...(json as object), requestId: '' },
      headers: { ...headers, 'x-request-id': '' },
    }))
    expect(plain[0]!.json).toMatchObject({ status: 401, code: 'invalid_credentials' })
    for (const one of plain) expect(one).toEqual(plain[0])
  })

  test('logging out ends the session at once, tokens and all', async () => {
    const person = await platform.signUp()
    expect((await platform.call('POST', '/api/v1/auth/logout', undefined, person.bearer)).status).toBe(204)
    expect((await platform.call('GET', '/api/v1/auth/me', undefined, person.bearer)).status).toBe(401)
    const again = await platform.call('POST', '/api/v1/auth/refresh', { refresh_token: person.refreshToken })
    expect(again.json).toMatchObject({ status: 401, code: 'refresh_invalid' })
  })

  test('a token shown at the door of another is refused', async () => {
    const person = await platform.signUp()
    for (const value of [person.refreshToken, 'ses_x', 'mfa_x', `${person.accessToken}x`, 'a.b.c']) {
      const reply = await platform.call('GET', '/api/v1/auth/me', undefined, { authorization: `Bearer ${value}` })
      expect(reply.status, value.slice(0, 4)).toBe(401)
    }
    const reply = await platform.call('POST', '/api/v1/auth/refresh', {
      refresh_token: person.accessToken.slice(0, 190),
    })
    expect(reply.json).toMatchObject({ code: 'refresh_invalid' })
  })
})

describe('links', () => {
  test('confirm an address, once, and lead to the public URL', async () => {
    const person = await platform.signUp()
    await platform.mail.waitFor(person.email)
    expect(platform.mail.linkTo(person.email)).toMatch(new RegExp(`^${PUBLIC_URL}/verify-email#token=vrf_`))
    const replies = await Promise.all(
      Array.from({ length: 100 }, () =>
        platform.call('POST', '/api/v1/auth/email/verify', { token: token(person.email) }, person.bearer),
      ),
    )
    expect(replies.filter((reply) => reply.status === 204)).toHaveLength(1)
    expect(replies.filter((reply) => (reply.json as { code?: string })?.code === 'token_invalid')).toHaveLength(99)
    const me = await platform.call('GET', '/api/v1/auth/me', undefined, person.bearer)
    expect(me.json).toMatchObject({ user: { emailVerified: true } })
  }, 60_000)

  test('set a new password once, whatever Host says, and end every session', async () => {
    const person = await platform.signUp()
    await platform.mail.waitFor(person.email)
    const asked = await platform.call(
      'POST',
      '/api/v1/auth/password/forgot',
      { email: person.email },
      { host: 'evil.test' },
    )
    const unknown = await platform.call('POST', '/api/v1/auth/password/forgot', { email: 'nobody@example.com' })
    expect([asked.status, asked.body]).toEqual([unknown.status, unknown.body])
    await platform.mail.waitFor(person.email, { count: 2 })
    expect(platform.mail.linkTo(person.email)).toMatch(new RegExp(`^${PUBLIC_URL}/reset-password#token=rst_`))
    const weak = await platform.call('POST', '/api/v1/auth/password/reset', {
      token: token(person.email),
      password: 'weak',
    })
    expect(weak.status).toBe(400)
    const password = 'another long pass phrase'
    const replies = await Promise.all(
      Array.from({ length: 20 }, () =>
        platform.call('POST', '/api/v1/auth/password/reset', { token: token(person.email), password }),
      ),
    )
    expect(replies.filter((reply) => reply.status === 204)).toHaveLength(1)
    expect((await platform.call('GET', '/api/v1/auth/me', undefined, person.bearer)).status).toBe(401)
    const [old, fresh] = await Promise.all(
      [PASSWORD, password].map((each) =>
        platform.call('POST', '/api/v1/auth/login', { email: person.email, password: each }),
      ),
    )
    expect([old!.status, fresh!.status]).toEqual([401, 200])
  }, 60_000)

  test('the newest link is the one that counts', async () => {
    const person = await platform.signUp()
    await platform.mail.waitFor(person.email)
    const first = token(person.email)
    await platform.call('POST', '/api/v1/auth/email/resend', { email: person.email })
    await platform.mail.waitFor(person.email, { count: 2 })
    expect((await platform.call('POST', '/api/v1/auth/email/verify', { token: first })).status).toBe(400)
    expect((await platform.call('POST', '/api/v1/auth/email/verify', { token: token(person.email) })).status).toBe(204)
  })

  test('a new address counts from when its link was opened, and the old one is told', async () => {
    const person = await platform.signUp()
    const next = `new-${person.email}`
    const without = await platform.call('PATCH', '/api/v1/auth/me', { email: next }, person.bearer)
    expect(without.json).toMatchObject({ code: 'invalid_credentials' })
    const reply = await platform.call(
      'PATCH',
      '/api/v1/auth/me',
      { email: next, currentPassword: PASSWORD },
      person.bearer,
    )
    expect(reply.json).toMatchObject({ user: { email: person.email } })
    await platform.mail.waitFor(next)
    const shown = { token: token(next) }
    expect((await platform.call('POST', '/api/v1/auth/email/verify', shown, person.bearer)).status).toBe(204)
    await platform.mail.waitFor(person.email, { count: 2 })
    const me = await platform.call('GET', '/api/v1/auth/me', undefined, person.bearer)
    expect(me.json).toMatchObject({ user: { email: next, emailVerified: true } })
  })
})

describe('one’s own account', () => {
  test('a password is changed with the old one, and the other sessions end', async () => {
    const person = await platform.signUp()
    const other = await platform.call('POST', '/api/v1/auth/login', { email: person.email, password: PASSWORD })
    const bearer = { authorization: `Bearer ${(other.json as { access_token: string }).access_token}` }
    const change = (currentPassword: string): ReturnType<typeof platform.call> =>
      platform.call(
        'POST',
        '/api/v1/auth/password/change',
        { currentPassword, newPassword: 'one more long pass phrase' },
        person.bearer,
      )
    expect((await change('wrong')).status).toBe(401)
    expect((await change(PASSWORD)).status).toBe(204)
    expect((await platform.call('GET', '/api/v1/auth/me', undefined, person.bearer)).status).toBe(200)
    expect((await platform.call('GET', '/api/v1/auth/me', undefined, bearer)).status).toBe(401)
  })

  test('sessions are listed with their device, and ended one or all', async () => {
    const person = await platform.signUp()
    for (const agent of ['one', 'two'])
      await platform.call(
        'POST',
        '/api/v1/auth/login',
        { email: person.email, password: PASSWORD },
        { 'user-agent': `Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 ${agent}` },
      )
    const list = async (): Promise<{ id: string; current: boolean; device: string }[]> =>
      (
        (await platform.call('GET', '/api/v1/auth/sessions', undefined, person.bearer)).json as {
          data: { id: string; current: boolean; device: string }[]
        }
      ).data
    const all = await list()
    expect(all.filter((one) => one.current)).toHaveLength(1)
    expect(all).toHaveLength(3)
    expect(all.filter((one) => /Firefox on Linux/.test(one.device))).toHaveLength(2)
    const other = all.find((one) => !one.current)!
    const stranger = await platform.signUp()
    const end = (who: { bearer: Readonly<Record<string, string>> }): ReturnType<typeof platform.call> =>
      platform.call('DELETE', `/api/v1/auth/sessions/${other.id}`, undefined, who.bearer)
    expect((await end(stranger)).status).toBe(404)
    expect((await end(person)).status).toBe(204)
    expect(await list()).toHaveLength(2)
    expect((await platform.call('DELETE', '/api/v1/auth/sessions', undefined, person.bearer)).status).toBe(204)
    expect((await list()).map((one) => one.current)).toEqual([true])
  })
})
