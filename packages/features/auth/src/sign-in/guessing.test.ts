import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAuth, PASSWORD, type AuthPlatform } from '../../tests/open-auth.ts'

let platform: AuthPlatform
beforeAll(async () => {
  platform = await openAuth()
}, 120_000)
afterAll(() => platform.close())

/** Signs in from an address, as the server sees it. */
async function signIn(
  address: string,
  email: string,
  password: string,
): Promise<{ status: number; retry: string | null }> {
  const response = await platform.plinth.fetch(
    new Request('https://app.example.com/api/v1/auth/login', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-forwarded-for': `198.51.100.${Math.floor(Math.random() * 250)}`,
      },
      body: JSON.stringify({ email, password }),
    }),
    { address },
  )
  return { status: response.status, retry: response.headers.get('retry-after') }
}

test('of 200 guesses at once ten are looked at, right ones among the rest or not, and the owner still gets in', async () => {
  const victim = await platform.signUp()
  const guesses = await Promise.all(
    Array.from({ length: 200 }, (_, at) => signIn('203.0.113.1', victim.email, `guess number ${at}`)),
  )
  expect(guesses.filter(({ status }) => status === 401)).toHaveLength(10)
  expect(guesses.filter(({ status }) => status === 429)).toHaveLength(190)
  // The right password does not help whoever has used up his guesses.
  const right = await Promise.all(Array.from({ length: 200 }, () => signIn('203.0.113.1', victim.email, PASSWORD)))
  expect(right.filter(({ status }) => status !== 429)).toEqual([])
  expect(Number(right[0]!.retry)).toBeGreaterThan(0)
  // The owner, who is somewhere else, is none of it.
  expect((await signIn('203.0.113.2', victim.email, PASSWORD)).status).toBe(200)
}, 120_000)

test('of guesses from anywhere fifty a day are looked at, and the owner still gets in from where he did before', async () => {
  const victim = await platform.signUp({ username: 'guessed-at' })
  const home = '192.0.2.7'
  expect((await signIn(home, victim.email, PASSWORD)).status).toBe(200)
  const from = (at: number): string => `203.0.${113 + Math.floor(at / 200)}.${at % 200}`
  for (const name of [victim.email, 'nobody-at-all@example.com']) {
    const guesses = await Promise.all(Array.from({ length: 200 }, (_, at) => signIn(from(at), name, `guess ${at}`)))
    expect(guesses.filter(({ status }) => status === 401)).toHaveLength(50)
    expect(guesses.filter(({ status }) => status === 429)).toHaveLength(150)
  }
  // The right password from somewhere new is one more guess; from home it is the owner's.
  const right = await Promise.all(
    Array.from({ length: 200 }, (_, at) => signIn(from(1_000 + at), victim.email, PASSWORD)),
  )
  expect(right.filter(({ status }) => status !== 429)).toEqual([])
  expect(Number(right[0]!.retry)).toBeGreaterThan(1_000)
  expect((await signIn(home, victim.email, PASSWORD)).status).toBe(200)
  expect((await signIn(home, victim.email, 'wrong')).status).toBe(401)
  // Elsewhere, too, after a new password.
  await platform.mail.waitFor(victim.email)
  await platform.call('POST', '/api/v1/auth/password/forgot', { email: victim.email })
  const { text } = await platform.mail.waitFor(victim.email, { count: 2 })
  const password = `${PASSWORD}, and another`
  const reset = { token: /#token=([\w-]+)/.exec(text)![1]!, password }
  expect((await platform.call('POST', '/api/v1/auth/password/reset', reset)).status).toBe(204)
  expect((await signIn('192.0.2.99', victim.email, password)).status).toBe(200)
}, 120_000)

test('of guesses at sessions from anywhere fifty a day are looked at, apart from those of sign-ins', async () => {
  const victim = await platform.signUp()
  const prove = async (at: number, currentPassword: string): Promise<number> => {
    const response = await platform.plinth.fetch(
      new Request('https://app.example.com/api/v1/auth/reauthenticate', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...victim.bearer },
        body: JSON.stringify({ currentPassword }),
      }),
      { address: `203.0.114.${at}` },
    )
    return response.status
  }
  // Right ones cost nothing.
  for (let round = 0; round < 3; round += 1) {
    const right = await Promise.all(Array.from({ length: 20 }, (_, at) => prove(at, PASSWORD)))
    expect(right).toEqual(Array.from({ length: 20 }, () => 204))
  }
  const guesses = []
  for (let at = 0; at < 60; at += 1) guesses.push(await prove(at, `guess number ${at}`))
  expect(guesses.map((status) => status === 401)).toEqual(guesses.map((_, at) => at < 50))
  expect(guesses.slice(50)).toEqual(Array.from({ length: 10 }, () => 429))
  expect(await prove(200, PASSWORD)).toBe(429)
  // The owner signs in as before, and a new password starts the count anew.
  expect((await signIn('192.0.2.98', victim.email, PASSWORD)).status).toBe(200)
  await platform.mail.waitFor(victim.email)
  await platform.call('POST', '/api/v1/auth/password/forgot', { email: victim.email })
  const { text } = await platform.mail.waitFor(victim.email, { count: 2 })
  const password = `${PASSWORD}, and one more`
  const reset = { token: /#token=([\w-]+)/.exec(text)![1]!, password }
  expect((await platform.call('POST', '/api/v1/auth/password/reset', reset)).status).toBe(204)
  const login = await platform.call('POST', '/api/v1/auth/login', { email: victim.email, password })
  const bearer = { authorization: `Bearer ${(login.json as { access_token: string }).access_token}` }
  const proven = await platform.call('POST', '/api/v1/auth/reauthenticate', { currentPassword: password }, bearer)
  expect(proven.status).toBe(204)
}, 120_000)

test('all addresses of one IPv6 network are one client', async () => {
  const victim = await platform.signUp()
  const guesses = await Promise.all(
    Array.from({ length: 40 }, (_, at) => signIn(`2001:db8:1:2:${at + 1}::${at}`, victim.email, 'wrong')),
  )
  expect(guesses.filter(({ status }) => status === 401)).toHaveLength(10)
  expect((await signIn('2001:db8:1:3::1', victim.email, PASSWORD)).status).toBe(200)
}, 60_000)

test('who signs in rightly is never slowed down', async () => {
  const person = await platform.signUp()
  for (let round = 0; round < 25; round += 1)
    expect((await signIn('203.0.113.9', person.email, PASSWORD)).status, `round ${round}`).toBe(200)
}, 60_000)

test('a password of a megabyte costs nothing', async () => {
  const person = await platform.signUp()
  const reply = await platform.call('POST', '/api/v1/auth/login', {
    email: person.email,
    password: 'x'.repeat(1_000_000),
  })
  expect(reply.status).toBe(400)
  const long = await platform.call('POST', '/api/v1/auth/login', { email: person.email, password: 'x'.repeat(4_000) })
  expect(long.json).toMatchObject({ code: 'invalid_credentials' })
})

test('no more than five mails an hour go to one address, and the answer does not tell', async () => {
  const person = await platform.signUp()
  await platform.mail.waitFor(person.email)
  const replies = await Promise.all(
    Array.from({ length: 12 }, () => platform.call('POST', '/api/v1/auth/password/forgot', { email: person.email })),
  )
  expect(new Set(replies.map((reply) => `${reply.status} ${reply.body}`)).size).toBe(1)
  await platform.mail.waitFor(person.email, { count: 6 })
  await platform.plinth.close()
  expect(platform.mail.to(person.email)).toHaveLength(6)
})
