import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askWith, keyOf } from './api-keys.ts'
import { openAuth, PASSWORD, PUBLIC_URL, type AuthPlatform } from './open-auth.ts'
import { withPasskey } from './passkeys.ts'
import { codeNow, withFactor, type WithFactor } from './second-factor.ts'

let platform: AuthPlatform
beforeAll(async () => {
  platform = await openAuth()
}, 120_000)
afterAll(() => platform.close())

const OWN = 'the pass phrase of the true owner'
const post = (path: string, body: unknown, headers?: Readonly<Record<string, string>>) =>
  platform.call('POST', `/api/v1/auth/${path}`, body, headers)
const linkTo = (email: string): string => new URL(platform.mail.linkTo(email)).hash.slice('#token='.length)

/** Registered by who cannot read its mails: a session, a factor, a passkey and a key. */
async function squatted(): Promise<WithFactor & { readonly key: string }> {
  const person = await withFactor(platform)
  await withPasskey(platform, {}, person)
  const { key } = await keyOf(platform, person)
  expect((await askWith(platform, key)).status).toBe(200)
  return { ...person, key }
}

async function reset(email: string, mails: number): Promise<void> {
  await platform.mail.waitFor(email, { count: mails })
  await post('password/forgot', { email })
  await platform.parts.after.settled()
  expect((await post('password/reset', { token: linkTo(email), password: OWN })).status).toBe(204)
}

async function left({ userId }: { readonly userId: string }): Promise<unknown> {
  const [row] = await platform.superuser.query(
    `select (select count(*)::int from plinth.mfa_devices where user_id = $1::uuid) as factors,
      (select count(*)::int from plinth.recovery_codes where user_id = $1::uuid) as codes`,
    [userId],
  )
  return row
}

describe('an account that somebody else registered', () => {
  test('is the owner’s alone when he sets a password by mail', async () => {
    const squatter = await squatted()
    await reset(squatter.email, 3)
    expect(await left(squatter)).toEqual({ factors: 0, codes: 0 })
    expect((await askWith(platform, squatter.key)).status).toBe(401)
    expect((await platform.call('GET', '/api/v1/auth/me', undefined, squatter.bearer)).status).toBe(401)
    const login = await post('login', { email: squatter.email, password: OWN })
    expect(login.json).toHaveProperty('access_token')
    // What he adds himself outlives the next reset.
    const { access_token } = login.json as { access_token: string }
    const owner = { ...squatter, bearer: { authorization: `Bearer ${access_token}` } }
    const { key } = await keyOf(platform, owner)
    await withFactor(platform, owner)
    await reset(owner.email, 5)
    expect(await left(owner)).toEqual({ factors: 1, codes: 10 })
    expect((await askWith(platform, key)).status).toBe(200)
    expect((await post('login', { email: owner.email, password: OWN })).json).toMatchObject({ mfa_required: true })
  })

  test('loses what was added, and its sessions, when its address is proven without one of them', async () => {
    const squatter = await squatted()
    const [first] = platform.mail.to(squatter.email)
    const token = /#token=([\w-]+)/.exec(first!.text)![1]!
    const stranger = await platform.signUp()
    expect((await post('email/verify', { token }, stranger.bearer)).status).toBe(204)
    expect(await left(squatter)).toEqual({ factors: 0, codes: 0 })
    expect((await askWith(platform, squatter.key)).status).toBe(401)
    expect((await platform.call('GET', '/api/v1/auth/me', undefined, squatter.bearer)).status).toBe(401)
  })

  test('loses the password that was chosen with it, and its owner is sent a link to choose one', async () => {
    const squatter = await platform.signUp()
    await platform.mail.waitFor(squatter.email)
    const token = linkTo(squatter.email)
    expect((await post('email/verify', { token })).status).toBe(204)
    expect((await post('login', { email: squatter.email, password: PASSWORD })).json).toMatchObject({
      code: 'invalid_credentials',
    })
    await platform.parts.after.settled()
    expect(platform.mail.to(squatter.email).map(({ subject }) => subject)).toEqual([
      'Plinth: Confirm your address',
      'Plinth: Choose a password',
    ])
    const choice = { token: linkTo(squatter.email), password: OWN }
    expect((await post('password/reset', choice)).status).toBe(204)
    expect((await post('login', { email: squatter.email, password: OWN })).json).toHaveProperty('access_token')
    expect((await post('login', { email: squatter.email, password: PASSWORD })).status).toBe(401)
  })

  test('keeps the password when the link is opened where it was made, and nowhere else', async () => {
    const from =
      (address: string, headers?: Readonly<Record<string, string>>) => async (path: string, body: unknown) => {
        const request = new Request(`${PUBLIC_URL}/api/v1/auth/${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(body),
        })
        return platform.plinth.fetch(request, { address })
      }
    const [home, elsewhere] = [from('192.0.2.7'), from('192.0.2.8')]
    // Everybody has the address of a proxy that the settings do not name.
    const proxied = from('192.0.2.7', { 'x-forwarded-for': '198.51.100.1' })
    for (const [place, still, name] of [
      [home, 200, 'home'],
      [elsewhere, 401, 'elsewhere'],
      [proxied, 401, 'proxied'],
    ] as const) {
      const email = `made-at-home-${name}@example.com`
      expect((await home('register', { email, password: PASSWORD, organizationName: `At ${name}` })).status).toBe(201)
      await platform.mail.waitFor(email)
      expect((await place('email/verify', { token: linkTo(email) })).status).toBe(204)
      expect((await home('login', { email, password: PASSWORD })).status).toBe(still)
    }
  })

  test('loses a sign-in that waits for the factor of who registered it', async () => {
    const squatter = await squatted()
    const login = await post('login', { email: squatter.email, password: PASSWORD })
    const { mfa_token } = login.json as { mfa_token: string }
    const token = /#token=([\w-]+)/.exec(platform.mail.to(squatter.email)[0]!.text)![1]!
    expect((await post('email/verify', { token })).status).toBe(204)
    const verify = await post('mfa/verify', { mfa_token, code: codeNow(platform, squatter.secret) })
    expect(verify.status).toBe(401)
  })

  test('keeps all of it when the password of the account is shown with the link, wherever it is opened', async () => {
    const person = await squatted()
    const token = /#token=([\w-]+)/.exec(platform.mail.to(person.email)[0]!.text)![1]!
    // A guess costs the link nothing, and tells nothing.
    const wrong = await post('email/verify', { token, password: OWN })
    expect([wrong.status, wrong.json]).toMatchObject([401, { code: 'invalid_credentials' }])
    expect((await post('email/verify', { token, password: PASSWORD })).status).toBe(204)
    expect(await left(person)).toEqual({ factors: 2, codes: 10 })
    expect((await askWith(platform, person.key)).status).toBe(200)
    expect((await post('login', { email: person.email, password: PASSWORD })).json).toMatchObject({
      mfa_required: true,
    })
  })

  test('keeps its session in a cookie when the page of the link sends it along', async () => {
    const person = await platform.signUp()
    await platform.mail.waitFor(person.email)
    const page = await platform.call('GET', '/login', undefined, { accept: 'application/json' })
    const cookieOf = (reply: typeof page): string => /__Host-[^;]+/.exec(reply.headers['set-cookie'] ?? '')![0]
    const form = { identifier: person.email, password: PASSWORD }
    const login = await platform.call('POST', '/login', form, {
      origin: PUBLIC_URL,
      accept: 'application/json',
      cookie: cookieOf(page),
      'x-csrf-token': (page.json as { csrf_token: string }).csrf_token,
    })
    const cookie = /__Host-session_id=[^;]+/.exec(login.headers['set-cookie'] ?? '')![0]
    // The page has no CSRF token.
    const shown = { token: linkTo(person.email) }
    expect((await post('email/verify', shown, { origin: PUBLIC_URL, cookie })).status).toBe(204)
    const me = (headers: Readonly<Record<string, string>>) =>
      platform.call('GET', '/api/v1/auth/me', undefined, headers)
    expect([(await me({ cookie })).status, (await me(person.bearer)).status]).toEqual([200, 200])
  })

  test('keeps all of it when who made it opens the link where he is signed in', async () => {
    const person = await squatted()
    const [first] = platform.mail.to(person.email)
    const token = /#token=([\w-]+)/.exec(first!.text)![1]!
    expect((await post('email/verify', { token }, person.bearer)).status).toBe(204)
    expect(await left(person)).toEqual({ factors: 2, codes: 10 })
    expect((await askWith(platform, person.key)).status).toBe(200)
    expect((await post('login', { email: person.email, password: PASSWORD })).json).toMatchObject({
      mfa_required: true,
    })
  })
})

describe('an account that an administrator gave another address', () => {
  /** As the operator does it, and the tenant whose domain it is. */
  async function moved(person: WithFactor, email: string): Promise<string> {
    const change = await platform.parts.accounts!.prepareChange(platform.parts, { email })
    expect(await platform.database.system((system) => change.apply(system, person.userId))).toBe(true)
    change.announce()
    await platform.mail.waitFor(email)
    return linkTo(email)
  }
  const proven = async (): Promise<WithFactor> => {
    const person = await platform.signUp()
    await platform.mail.waitFor(person.email)
    expect((await post('email/verify', { token: linkTo(person.email) }, person.bearer)).status).toBe(204)
    return withFactor(platform, person)
  }

  test('keeps what was added while its address was proven, when the next one is', async () => {
    const person = await proven()
    const { key } = await keyOf(platform, person)
    const email = `moved-${person.email}`
    expect((await post('email/verify', { token: await moved(person, email) })).status).toBe(204)
    expect(await left(person)).toEqual({ factors: 1, codes: 10 })
    expect((await askWith(platform, key)).status).toBe(200)
    expect((await post('login', { email, password: PASSWORD })).json).toMatchObject({ mfa_required: true })
    await platform.parts.after.settled()
    expect(platform.mail.to(email).map(({ subject }) => subject)).toEqual(['Plinth: Confirm your address'])
  })

  test('loses what was added since, when nobody shows the account with the link', async () => {
    const person = await proven()
    const email = `moved-${person.email}`
    const token = await moved(person, email)
    await platform.superuser.query(
      `insert into plinth.mfa_devices (id, user_id, name, kind, secret, created_at, confirmed_at, unproven)
       select gen_random_uuid(), user_id, 'since', kind, secret, created_at, confirmed_at, true
       from plinth.mfa_devices where user_id = $1::uuid`,
      [person.userId],
    )
    expect((await post('email/verify', { token })).status).toBe(204)
    expect(await left(person)).toEqual({ factors: 1, codes: 10 })
  })
})
