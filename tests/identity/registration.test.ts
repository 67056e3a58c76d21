import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openIdentity, PASSWORD, personOf, type Identity, type Person } from './open-identity.ts'

const ANOTHER = 'another rather long pass phrase'
type Reply = Awaited<ReturnType<Identity['call']>>
const code = (reply: Reply): unknown => (reply.json as { code?: string } | undefined)?.code

const post = (on: Identity, path: string, body: unknown, who?: Person): Promise<Reply> =>
  on.call('POST', `/api/v1${path}`, body, who?.bearer)
const register = (on: Identity, email: string, more: object = {}): Promise<Reply> =>
  post(on, '/auth/register', { email, password: PASSWORD, ...more })
const logIn = (on: Identity, email: string, password = PASSWORD): Promise<Reply> =>
  post(on, '/auth/login', { email, password })

/** The token of the last link to this address, once so many mails are there. */
async function linked(on: Identity, email: string, count = 1): Promise<string> {
  await on.mail.waitFor(email, { count })
  return on.linkToken(email)
}

async function invite(on: Identity, owner: Person, email: string): Promise<string> {
  const before = on.mail.to(email).length
  const reply = await post(on, '/invitations', { email, roles: ['user'] }, owner)
  expect(reply.status, reply.body).toBe(201)
  return linked(on, email, before + 1)
}

describe('an invitation that is taken up at registration', () => {
  let platform: Identity
  let owner: Person
  beforeAll(async () => {
    platform = await openIdentity()
    owner = await platform.signUp()
  }, 120_000)
  afterAll(() => platform.close())

  test('proves the address: the answer says so, and there is nothing to confirm', async () => {
    const email = 'invited@example.net'
    const reply = await register(platform, email, { invitationToken: await invite(platform, owner, email) })
    expect([reply.status, reply.json]).toMatchObject([
      201,
      { user: { emailVerified: true }, tenant: { id: owner.tenantId } },
    ])
    const me = await platform.call('GET', '/api/v1/auth/me', undefined, personOf(reply, email).bearer)
    expect(me.json).toMatchObject({ user: { emailVerified: true } })
    // Whoever comes by himself is sent a link; by then one to the guest would be there too.
    const other = await platform.signUp()
    await platform.mail.waitFor(other.email)
    expect(platform.mail.to(email)).toHaveLength(1)
  })

  test('is refused before there is an account, for whatever reason', async () => {
    const [email, other] = ['guest@example.net', 'other@example.net']
    const token = await invite(platform, owner, email)
    for (const [address, invitationToken] of [
      [email, 'guessed'],
      [other, token],
      [owner.email, token],
    ] as const)
      expect(code(await register(platform, address, { invitationToken }))).toBe('invitation_invalid')
    expect((await register(platform, email, { invitationToken: token })).status).toBe(201)
  })

  test('of a service gives what the service has on that day', async () => {
    const send = (method: string, path: string, body?: object): Promise<Reply> =>
      platform.call(method, `/api/v1${path}`, body, owner.bearer)
    const made = await send('POST', '/service-accounts', { name: 'Front desk', roles: ['admin'] })
    const { id } = made.json as { id: string }
    const { key } = (await send('POST', `/service-accounts/${id}/keys`, { name: 'Desk' })).json as { key: string }
    const ask = async (email: string): Promise<string> => {
      const headers = { 'x-api-key': key }
      const reply = await platform.call('POST', '/api/v1/invitations', { email, roles: ['admin'] }, headers)
      expect(reply.status, reply.body).toBe(201)
      return linked(platform, email)
    }
    const [email, invitationToken] = ['desk-0@example.net', await ask('desk-0@example.net')]
    expect((await send('PATCH', `/service-accounts/${id}`, { roles: ['user'] })).status).toBe(200)
    expect(code(await register(platform, email, { invitationToken }))).toBe('invitation_invalid')
    expect((await send('PATCH', `/service-accounts/${id}`, { roles: ['admin'], disabled: true })).status).toBe(200)
    expect(code(await register(platform, email, { invitationToken }))).toBe('invitation_invalid')
    expect((await send('PATCH', `/service-accounts/${id}`, { disabled: false })).status).toBe(200)
    expect((await register(platform, email, { invitationToken })).status).toBe(201)
    expect((await send('DELETE', `/service-accounts/${id}`)).status).toBe(204)
  })
})

describe('where accounts begin with a mail', () => {
  let platform: Identity
  let owner: Person
  beforeAll(async () => {
    platform = await openIdentity({ auth: { registration: 'by-mail' } })
    const email = 'founder@example.com'
    await register(platform, email, { organizationName: 'Founders' })
    const token = await linked(platform, email)
    await post(platform, '/auth/email/verify', { token, password: PASSWORD })
    owner = personOf(await logIn(platform, email), email)
  }, 120_000)
  afterAll(() => platform.close())

  test('an invitation that is good for nothing is refused as everywhere, known address or not', async () => {
    const email = 'late@example.net'
    const token = await invite(platform, owner, email)
    const refused = [
      await register(platform, 'nobody@example.net', { invitationToken: token }),
      await register(platform, owner.email, { invitationToken: token }),
      await register(platform, email, { invitationToken: `${token}x` }),
    ].map(({ status, body }) => [status, body.replace(/"requestId":"[^"]*"/, '')])
    expect(refused[0]).toMatchObject([400, expect.stringContaining('invitation_invalid')])
    for (const each of refused) expect(each).toEqual(refused[0])
  })

  test('a good one is answered alike, opens the account at once and asks for nothing more', async () => {
    const email = 'welcome@example.net'
    const reply = await register(platform, email, { invitationToken: await invite(platform, owner, email) })
    expect([reply.status, reply.body]).toEqual([202, '{"status":"accepted"}'])
    const { text } = await platform.mail.waitFor(email, { count: 2 })
    expect(text).toContain('Sign in')
    expect(text).not.toContain('#token=')
    expect((await logIn(platform, email)).json).toMatchObject({ tenant: { id: owner.tenantId } })
  })

  test('a stranger’s click opens no account for whoever registered the address', async () => {
    const email = 'victim@example.net'
    await register(platform, email)
    const token = await linked(platform, email)
    const verify = (password?: string): Promise<Reply> =>
      post(platform, '/auth/email/verify', { token, ...(password !== undefined && { password }) })
    const clicked = await verify()
    expect([clicked.status, clicked.json]).toMatchObject([400, { errors: [{ path: '/password', code: 'required' }] }])
    const guessed = await verify(ANOTHER)
    expect([guessed.status, code(guessed), guessed.headers['www-authenticate']]).toEqual([
      401,
      'invalid_credentials',
      'Bearer',
    ])
    expect((await logIn(platform, email)).status).toBe(401)
    // Whose address it is, he gets it by another link, and whoever registered it is out.
    await post(platform, '/auth/password/forgot', { email })
    const reset = await linked(platform, email, 2)
    expect((await post(platform, '/auth/password/reset', { token: reset, password: ANOTHER })).status).toBe(204)
    expect([(await logIn(platform, email)).status, (await logIn(platform, email, ANOTHER)).status]).toEqual([401, 200])
    expect((await verify('guessed')).status).toBe(401)
  })

  test('the link takes the password that was chosen, ten guesses at most, and is used up once', async () => {
    const email = 'chosen@example.net'
    await register(platform, email)
    const token = await linked(platform, email)
    const verify = (password: string): Promise<Reply> => post(platform, '/auth/email/verify', { token, password })
    const statuses = []
    for (let guess = 0; guess < 11; guess += 1) statuses.push((await verify(`${ANOTHER} ${guess}`)).status)
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429])
    platform.clock.advance(15 * 60_000)
    await platform.superuser.query('delete from plinth.rate_buckets')
    const won = await Promise.all(Array.from({ length: 10 }, () => verify(PASSWORD)))
    expect(won.filter(({ status }) => status === 204)).toHaveLength(1)
    expect((await logIn(platform, email)).status).toBe(200)
  })

  test('the page asks for it', async () => {
    expect((await platform.call('GET', '/verify-email')).body).toContain('name="password"')
  })
})
