import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openAuth, PASSWORD, PUBLIC_URL, type AuthPlatform } from '../../tests/open-auth.ts'
import { askToLogIn, withPasskey } from '../../tests/passkeys.ts'
import { localPath } from './login-page.ts'

let platform: AuthPlatform
beforeAll(async () => {
  platform = await openAuth()
}, 120_000)
afterAll(() => platform.close())

type Reply = Awaited<ReturnType<AuthPlatform['call']>>
const own = { origin: PUBLIC_URL, accept: 'application/json' }
const cookies = (reply: Reply): string[] => (reply.headers['set-cookie'] ?? '').split(/, (?=[\w-]+=)/)
const jar = (reply: Reply): string =>
  cookies(reply)
    .map((cookie) => cookie.split(';')[0])
    .join('; ')

async function begin(): Promise<{ cookie: string; token: string }> {
  const reply = await platform.call('GET', '/login', undefined, { accept: 'application/json' })
  return { cookie: jar(reply), token: (reply.json as { csrf_token: string }).csrf_token }
}

async function signIn(
  email: string,
  more: Readonly<Record<string, string>> = {},
): Promise<{ cookie: string; csrf: string; reply: Reply }> {
  const before = await begin()
  const reply = await platform.call(
    'POST',
    '/login',
    { identifier: email, password: PASSWORD },
    { ...own, cookie: before.cookie, 'x-csrf-token': before.token, ...more },
  )
  const session =
    cookies(reply)
      .find((cookie) => cookie.startsWith('__Host-session_id='))
      ?.split(';')[0] ?? ''
  return { cookie: session, csrf: (reply.json as { csrf_token: string })?.csrf_token, reply }
}

test('the page is a form that posts to itself, and nothing may frame or script it', async () => {
  const reply = await platform.call('GET', '/login?next=/api/v1/auth/me')
  expect(reply.status).toBe(200)
  expect(reply.body).toContain('name="csrf_token"')
  expect(reply.body).toContain('value="/api/v1/auth/me"')
  const { headers } = reply
  expect(headers['content-security-policy']).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
  expect(headers['cache-control']).toBe('no-store')
})

test('signing in gives a cookie out of reach of scripts, and goes on to a path of this service', async () => {
  const person = await platform.signUp()
  const before = await begin()
  const body = new URLSearchParams({
    identifier: person.email,
    password: PASSWORD,
    csrf_token: before.token,
    next: '/docs',
  })
  const reply = await platform.call('POST', '/login', body.toString(), {
    'content-type': 'application/x-www-form-urlencoded',
    origin: PUBLIC_URL,
    cookie: before.cookie,
  })
  expect(reply.status).toBe(303)
  expect(reply.headers['location']).toBe('/docs')
  const session = cookies(reply).find((cookie) => cookie.startsWith('__Host-session_id='))!
  expect(session).toMatch(/; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=/)
  const me = await platform.call('GET', '/api/v1/auth/me', undefined, { cookie: session.split(';')[0]! })
  expect(me.json).toMatchObject({ user: { email: person.email }, csrfToken: expect.any(String) as string })
})

test('a form that was not taken comes back with the name and the way on, and without the password', async () => {
  const before = await begin()
  const send = (identifier: string, next: string): Promise<Reply> =>
    platform.call(
      'POST',
      '/login',
      new URLSearchParams({ identifier, password: 'wrong-word-1', csrf_token: before.token, next }).toString(),
      { 'content-type': 'application/x-www-form-urlencoded', origin: PUBLIC_URL, cookie: before.cookie },
    )
  const reply = await send('"><b>ada@example.com', '/docs')
  expect(reply.status).toBe(401)
  expect(reply.body).toContain('role="alert"')
  expect(reply.body).toContain('name="next" value="/docs"')
  expect(reply.body).toContain('value="&quot;&gt;&lt;b&gt;ada@example.com"')
  expect(reply.body).not.toContain('wrong-word-1')
  // And no way out of this service.
  expect((await send('ada@example.com', 'https://evil.example/')).body).not.toContain('evil.example')
})

describe('forgery', () => {
  test('what changes something needs the token of this very session and an origin of ours', async () => {
    const person = await platform.signUp()
    const { cookie, csrf } = await signIn(person.email)
    const other = await signIn((await platform.signUp()).email)
    const change = async (headers: Readonly<Record<string, string>>): Promise<unknown> => {
      const reply = await platform.call('PATCH', '/api/v1/auth/me', { name: 'Changed' }, { cookie, ...headers })
      return (reply.json as { code?: string }).code ?? reply.status
    }
    const token = { 'x-csrf-token': csrf }
    expect(await change({ origin: PUBLIC_URL })).toBe('csrf_failed')
    expect(await change(token)).toBe('csrf_failed')
    for (const origin of [
      'null',
      'https://evil.test',
      'http://app.example.com',
      `${PUBLIC_URL}.evil.test`,
      `${PUBLIC_URL}:444`,
    ])
      expect(await change({ ...token, origin }), origin).toBe('csrf_failed')
    expect(await change({ 'x-csrf-token': other.csrf, origin: PUBLIC_URL })).toBe('csrf_failed')
    expect(await change({ ...token, 'sec-fetch-site': 'same-site' })).toBe('csrf_failed')
    expect(await change({ ...token, origin: PUBLIC_URL })).toBe(200)
    expect(await change({ ...token, 'sec-fetch-site': 'same-origin' })).toBe(200)
  })

  test('nobody is signed in by a page of another site', async () => {
    const person = await platform.signUp()
    const before = await begin()
    const post = async (headers: Readonly<Record<string, string>>): Promise<unknown> =>
      (
        await platform.call(
          'POST',
          '/login',
          { identifier: person.email, password: PASSWORD },
          { accept: 'application/json', ...headers },
        )
      ).json
    const failed = { code: 'csrf_failed' }
    expect(await post({ origin: PUBLIC_URL })).toMatchObject(failed)
    expect(await post({ origin: PUBLIC_URL, cookie: before.cookie })).toMatchObject(failed)
    expect(
      await post({ origin: 'https://evil.test', cookie: before.cookie, 'x-csrf-token': before.token }),
    ).toMatchObject(failed)
    expect(
      await post({ origin: PUBLIC_URL, cookie: '__Host-before_login=planted', 'x-csrf-token': before.token }),
    ).toMatchObject(failed)
  })
})

test('a session that was in the cookie before signing in is dead afterwards', async () => {
  const [attacker, victim] = [await platform.signUp(), await platform.signUp()]
  const planted = await signIn(attacker.email)
  const before = await begin()
  const reply = await platform.call(
    'POST',
    '/login',
    { identifier: victim.email, password: PASSWORD },
    { ...own, cookie: `${before.cookie}; ${planted.cookie}`, 'x-csrf-token': before.token },
  )
  expect(reply.status).toBe(200)
  const me = (cookie: string): Promise<Reply> => platform.call('GET', '/api/v1/auth/me', undefined, { cookie })
  expect((await me(planted.cookie)).status).toBe(401)
})

describe('a passkey', () => {
  const shown = async (
    person: Awaited<ReturnType<typeof withPasskey>>,
  ): Promise<{ ceremony: string; credential: object }> => {
    const { ceremony, publicKey } = await askToLogIn(platform)
    return { ceremony, credential: person.passkey.get(publicKey) }
  }
  const send = async (body: object, more: Readonly<Record<string, string>> = {}): Promise<Reply> => {
    const before = await begin()
    return platform.call('POST', '/login', body, {
      ...own,
      cookie: before.cookie,
      'x-csrf-token': before.token,
      ...more,
    })
  }
  const me = async (reply: Reply): Promise<unknown> =>
    (await platform.call('GET', '/api/v1/auth/me', undefined, { cookie: jar(reply) })).json
  const code = (reply: Reply): unknown => (reply.json as { code?: string }).code

  test('is offered by the page, whose script is the only one', async () => {
    const { body, headers } = await platform.call('GET', '/login')
    expect(body).toContain('data-passkeys="/api/v1/auth/passkeys/login/options"')
    const script = /<script>([^]*)<\/script>/.exec(body)![1]!
    const hash = createHash('sha256').update(script).digest('base64')
    expect(headers['content-security-policy']).toContain(`script-src 'sha256-${hash}'; connect-src 'self';`)
  })

  test('signs in alone, with the empty fields of a form around it', async () => {
    const person = await withPasskey(platform)
    expect(await me(await send({ passkey: await shown(person) }))).toMatchObject({ secondFactor: true })
    const before = await begin()
    const fields = {
      identifier: '',
      password: '',
      code: '',
      passkey: JSON.stringify(await shown(person)),
      csrf_token: before.token,
      next: '/docs',
    }
    const reply = await platform.call('POST', '/login', new URLSearchParams(fields).toString(), {
      'content-type': 'application/x-www-form-urlencoded',
      origin: PUBLIC_URL,
      cookie: before.cookie,
    })
    expect([reply.status, reply.headers['location']], reply.body).toEqual([303, '/docs'])
    expect(await me(reply)).toMatchObject({ user: { id: person.userId }, secondFactor: true })
    // Once.
    const again = await send({ passkey: fields.passkey })
    expect(code(again)).toBe('passkey_refused')
  })

  test('ends the session that was in the cookie before', async () => {
    const planted = await signIn((await platform.signUp()).email)
    const person = await withPasskey(platform)
    const before = await begin()
    const reply = await platform.call(
      'POST',
      '/login',
      { passkey: await shown(person) },
      { ...own, cookie: `${before.cookie}; ${planted.cookie}`, 'x-csrf-token': before.token },
    )
    expect(reply.status).toBe(200)
    const old = await platform.call('GET', '/api/v1/auth/me', undefined, { cookie: planted.cookie })
    expect(old.status).toBe(401)
  })

  test('stands beside the password, of the same person, and makes the passkey enough again', async () => {
    const [person, other] = [await withPasskey(platform), await withPasskey(platform)]
    const password = 'another pass phrase of some length'
    platform.clock.advance(1000)
    await platform.call(
      'POST',
      '/api/v1/auth/password/change',
      { currentPassword: PASSWORD, newPassword: password },
      person.bearer,
    )
    const typed = { identifier: person.email, password }
    expect(code(await send({ passkey: await shown(person) }))).toBe('passkey_needs_password')
    expect(code(await send(typed))).toBe('invalid_code')
    expect(code(await send({ ...typed, passkey: await shown(other) }))).toBe('passkey_refused')
    expect(code(await send({ ...typed, password: 'wrong', passkey: await shown(person) }))).toBe('invalid_credentials')
    expect((await send({ ...typed, passkey: await shown(person) })).status).toBe(200)
    expect((await send({ passkey: await shown(person) })).status).toBe(200)
  })

  test('that is none is told so; nothing typed and nothing shown too', async () => {
    for (const body of [
      {},
      { identifier: '', password: '' },
      { identifier: 'ada@example.com' },
      { password: PASSWORD },
      { passkey: '{' },
      { passkey: '['.repeat(50_000) },
      { passkey: 'A'.repeat(60_001) },
      { passkey: {} },
      { passkey: '{"ceremony":"x"}' },
    ]) {
      const reply = await send(body)
      expect([reply.status, code(reply)], JSON.stringify(body).slice(0, 60)).toEqual([400, 'validation_failed'])
    }
  })
})

test('over an encrypted connection only the cookie with __Host- counts', async () => {
  const listening = { address: '203.0.113.9', secure: true }
  const ask = (cookie: string): Promise<Response> =>
    platform.plinth.fetch(new Request(`${PUBLIC_URL}/api/v1/auth/me`, { headers: { cookie } }), listening)
  const page = await platform.plinth.fetch(
    new Request(`${PUBLIC_URL}/login`, { headers: { accept: 'application/json' } }),
    listening,
  )
  const before = page.headers.getSetCookie()[0]!
  expect(before).toMatch(/^__Host-before_login=.*; Path=\/; HttpOnly; SameSite=Lax; Secure/)
  const person = await platform.signUp()
  const { csrf_token: token } = (await page.json()) as { csrf_token: string }
  const signedIn = await platform.plinth.fetch(
    new Request(`${PUBLIC_URL}/login`, {
      method: 'POST',
      headers: { ...own, 'content-type': 'application/json', cookie: before.split(';')[0]!, 'x-csrf-token': token },
      body: JSON.stringify({ identifier: person.email, password: PASSWORD }),
    }),
    listening,
  )
  const session = signedIn.headers.getSetCookie().find((cookie) => cookie.startsWith('__Host-session_id='))!
  expect(session).toContain('; Secure')
  const value = session.split(';')[0]!
  expect((await ask(value)).status).toBe(200)
  expect((await ask(value.replace('__Host-', ''))).status).toBe(401)
})

test('the cookie moves on when the tenant does', async () => {
  const person = await platform.signUp()
  const { cookie, csrf } = await signIn(person.email)
  const reply = await platform.call(
    'POST',
    '/api/v1/auth/switch-tenant',
    { tenant: person.tenantId },
    { cookie, origin: PUBLIC_URL, 'x-csrf-token': csrf },
  )
  expect(reply.status).toBe(204)
  const next = cookies(reply)[0]!.split(';')[0]!
  const me = (value: string): Promise<Reply> => platform.call('GET', '/api/v1/auth/me', undefined, { cookie: value })
  expect([(await me(cookie)).status, (await me(next)).status]).toEqual([401, 200])
})

test.each([
  '//evil.test',
  '/\\evil.test',
  '/\t/evil.test',
  'https://evil.test',
  'https:evil.test',
  'javascript:alert(1)',
  'evil.test',
  '@evil.test',
  '/a/../../..//evil.test\\',
  '',
  '/ x',
])('%j is no place to go on to', (next) => expect(localPath(next, '')).toBeUndefined())

test.each([
  ['/docs', '', '/docs'],
  ['/app/docs?a=b', '/app', '/app/docs?a=b'],
])('%s is one below %j', (next, basePath, path) => expect(localPath(next, basePath)).toBe(path))

test('below a base path, what is above it is somebody else’s', () => expect(localPath('/docs', '/app')).toBeUndefined())
