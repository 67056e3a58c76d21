import { capturedLog, softPasskey } from '@plinth/testing'
import { generateSync } from 'otplib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openIdentity, PASSWORD, PUBLIC_URL, type Identity } from './open-identity.ts'
import { askToLogIn, askToRegister } from './passkeys.ts'

let platform: Identity
const log = capturedLog({ least: 'debug' })
beforeAll(async () => {
  platform = await openIdentity({ plinth: { log } })
}, 120_000)
afterAll(() => platform.close())

/** Every row of every table, as text. */
async function dump(): Promise<string> {
  const tables = await platform.superuser.query(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('plinth', 'public') or schemaname like 'tenant_%'`,
  )
  const texts: string[] = []
  for (const table of tables) {
    const rows = await platform.superuser.query(`select t::text as line from ${String(table['name'])} t`)
    texts.push(...rows.map((row) => String(row['line'])))
  }
  return texts.join('\n')
}

test('no token, code, link, key or password that was ever shown is in the database or in the log', async () => {
  const secrets = new Map<string, string>()
  const keep = (name: string, value: unknown): string => {
    if (typeof value !== 'string' || value.length < 8) throw new Error(`${name} was not seen`)
    secrets.set(name, value)
    return value
  }
  const owner = await platform.signUp()
  keep('password', PASSWORD)
  keep('access token', owner.accessToken)
  keep('refresh token', owner.refreshToken)
  await platform.mail.waitFor(owner.email)
  keep('verify link', platform.linkToken(owner.email))
  const refreshed = await platform.call('POST', '/api/v1/auth/refresh', { refresh_token: owner.refreshToken })
  const next = refreshed.json as { access_token: string; refresh_token: string }
  keep('next access token', next.access_token)
  keep('next refresh token', next.refresh_token)
  await platform.call('POST', '/api/v1/auth/password/forgot', { email: owner.email })
  await platform.mail.waitFor(owner.email, { count: 2 })
  keep('reset link', platform.linkToken(owner.email))
  const bearer = { authorization: `Bearer ${next.access_token}` }
  const invited = await platform.call(
    'POST',
    '/api/v1/invitations',
    { email: 'guest@example.com', roles: ['user'] },
    bearer,
  )
  expect(invited.status, invited.body).toBe(201)
  await platform.mail.waitFor('guest@example.com')
  keep('invitation link', platform.linkToken('guest@example.com'))
  const page = await platform.call('GET', '/login', undefined, { accept: 'application/json' })
  const before = page.headers['set-cookie']!.split(';')[0]!
  const token = (page.json as { csrf_token: string }).csrf_token
  keep('csrf token', token)
  const signedIn = await platform.call(
    'POST',
    '/login',
    { identifier: owner.email, password: PASSWORD },
    { accept: 'application/json', origin: 'https://app.example.com', cookie: before, 'x-csrf-token': token },
  )
  keep('cookie', /session_id=([^;]+)/.exec(signedIn.headers['set-cookie']!)?.[1])
  const made = await platform.call('POST', '/api/v1/auth/api-keys', { name: 'Agent', role: 'owner' }, bearer)
  keep('API key', (made.json as { key: string }).key)
  const { id } = made.json as { id: string }
  const rotated = await platform.call('POST', `/api/v1/auth/api-keys/${id}/rotate`, {}, bearer)
  keep('API key in its place', (rotated.json as { key: string }).key)
  const once = { ...bearer, 'idempotency-key': 'one-key' }
  const kept = await platform.call('POST', '/api/v1/auth/api-keys', { name: 'Once', role: 'owner' }, once)
  keep('API key under an idempotency key', (kept.json as { key: string }).key)
  const setUp = await platform.call('POST', '/api/v1/auth/mfa/setup', {}, bearer)
  const { secret } = setUp.json as { secret: string }
  keep('secret of an authenticator', secret)
  const code = generateSync({ secret, epoch: platform.clock.now().getTime() / 1000 })
  const confirmed = await platform.call('POST', '/api/v1/auth/mfa/verify', { code }, bearer)
  for (const each of (confirmed.json as { recoveryCodes: string[] }).recoveryCodes) keep(`recovery code ${each}`, each)
  // Ceremonies of passkeys: one that was answered, and those that wait.
  const passkey = softPasskey({ origin: PUBLIC_URL })
  const asked = await askToRegister(platform, bearer)
  keep('ceremony of a new passkey', asked.ceremony)
  keep('challenge of a new passkey', asked.publicKey.challenge)
  const added = await platform.call(
    'POST',
    '/api/v1/auth/passkeys/register/verify',
    { ceremony: asked.ceremony, credential: passkey.create(asked.publicKey) },
    bearer,
  )
  expect(added.status, added.body).toBe(201)
  const byPasskey = await askToLogIn(platform)
  keep('ceremony of a sign-in', byPasskey.ceremony)
  keep('challenge of a sign-in', byPasskey.publicKey.challenge)
  const forged = passkey.get(byPasskey.publicKey, { origin: 'https://evil.example' })
  keep('signature of a passkey', forged.response.signature)
  await platform.call('POST', '/api/v1/auth/passkeys/login/verify', {
    ceremony: byPasskey.ceremony,
    credential: forged,
  })
  keep('ceremony that waits', (await askToLogIn(platform)).ceremony)
  const login = await platform.call('POST', '/api/v1/auth/login', { email: owner.email, password: PASSWORD })
  const mfaToken = keep('pending token', (login.json as { mfa_token: string }).mfa_token)
  await platform.call('POST', '/api/v1/auth/mfa/verify', { mfa_token: mfaToken, recoveryCode: 'AAAA-AAAA-AAAA-AAAA' })
  // The log of everything, wrong attempts among it.
  for (const value of secrets.values()) {
    await platform.call('GET', '/api/v1/auth/me', undefined, { authorization: `Bearer ${value.replaceAll(' ', '')}` })
    await platform.call('GET', '/api/v1/auth/me', undefined, { 'x-api-key': value })
    await platform.call('GET', `/api/v1/auth/me?api_key=${encodeURIComponent(value)}`)
    await platform.call('POST', '/api/v1/auth/email/verify', { token: `${value}x` })
  }
  const stored = await dump()
  // It is the right database.
  expect(stored).toContain(owner.email)
  expect(stored).toContain('guest@example.com')
  const logged = log.text()
  for (const [name, value] of secrets) {
    expect(stored.includes(value), `${name} is in the database`).toBe(false)
    expect(logged.includes(value), `${name} is in the log`).toBe(false)
  }
}, 120_000)
