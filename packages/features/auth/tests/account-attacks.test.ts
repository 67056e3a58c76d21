import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { statement, type FixedStatement, type Mail } from '@plinth/core'
import { localPath } from '../src/routes/login-page.ts'
import { openAuth, PASSWORD, type AuthPlatform } from './open-auth.ts'
import { codeNow, pendingToken, withFactor } from './second-factor.ts'

let platform: AuthPlatform
beforeAll(async () => {
  platform = await openAuth()
}, 120_000)
afterAll(() => platform.close())

const ANOTHER = 'another rather long pass phrase'
const tokenIn = ({ text }: Mail): string => /#token=([\w-]+)/.exec(text)![1]!
const settled = (): Promise<void> => platform.parts.after.settled()

/** Until somebody waits for a row. */
async function lockWaited(): Promise<void> {
  for (;;) {
    const [waiting] = await platform.superuser.query(
      `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    )
    if (waiting) return
  }
}

/** Asks for a change of address with a password that was stolen; the link is in the thief's mailbox. */
async function askedByThief(victim: { bearer: Readonly<Record<string, string>> }, thief: string): Promise<string> {
  const asked = await platform.call(
    'PATCH',
    '/api/v1/auth/me',
    { email: thief, currentPassword: PASSWORD },
    victim.bearer,
  )
  expect(asked.status).toBe(200)
  return tokenIn(await platform.mail.waitFor(thief))
}

describe('a change of address that somebody else asked for', () => {
  test('ends when the owner sets a new password by mail', async () => {
    const victim = await platform.signUp()
    await platform.mail.waitFor(victim.email)
    const link = await askedByThief(victim, 'thief-1@example.net')
    await platform.call('POST', '/api/v1/auth/password/forgot', { email: victim.email })
    const reset = tokenIn(await platform.mail.waitFor(victim.email, { count: 2 }))
    const set = await platform.call('POST', '/api/v1/auth/password/reset', { token: reset, password: ANOTHER })
    expect(set.status).toBe(204)
    const stolen = await platform.call('POST', '/api/v1/auth/email/verify', { token: link })
    expect(stolen.json).toMatchObject({ status: 400, code: 'token_invalid' })
  })

  test('gets nobody’s address by a click of its reader, who shows no account', async () => {
    const attacker = await platform.signUp()
    const own = { token: tokenIn(await platform.mail.waitFor(attacker.email)) }
    expect((await platform.call('POST', '/api/v1/auth/email/verify', own, attacker.bearer)).status).toBe(204)
    const email = 'reader@victim.example'
    const asked = { email, currentPassword: PASSWORD }
    expect((await platform.call('PATCH', '/api/v1/auth/me', asked, attacker.bearer)).status).toBe(200)
    const token = tokenIn(await platform.mail.waitFor(email))
    const stranger = await platform.signUp()
    const addressOf = async (): Promise<unknown> =>
      (await platform.superuser.query('select email from plinth.users where id = $1::uuid', [attacker.userId]))[0]
    for (const headers of [undefined, stranger.bearer]) {
      const click = await platform.call('POST', '/api/v1/auth/email/verify', { token }, headers)
      expect(click.json).toMatchObject({ status: 400, errors: [{ path: '/password', code: 'required' }] })
    }
    expect(await addressOf()).toEqual({ email: attacker.email })
    // The link is as good as before, for who has the account as well.
    expect((await platform.call('POST', '/api/v1/auth/email/verify', { token, password: PASSWORD })).status).toBe(204)
    expect(await addressOf()).toEqual({ email })
  })

  test('that is refused for another field leaves no link behind', async () => {
    const other = await platform.signUp({ username: 'somebody-else' })
    const person = await platform.signUp()
    for (const username of ['a!', 'somebody-else']) {
      const body = { email: `new-${username.length}@example.net`, username, currentPassword: PASSWORD }
      const refused = await platform.call('PATCH', '/api/v1/auth/me', body, person.bearer)
      expect([400, 409], username).toContain(refused.status)
      await settled()
      expect(platform.mail.to(body.email), username).toEqual([])
    }
    expect(other.userId).not.toBe(person.userId)
  })

  test('ends when he changes it; the link that confirms his own address stays good', async () => {
    const victim = await platform.signUp()
    const own = tokenIn(await platform.mail.waitFor(victim.email))
    const change = { currentPassword: PASSWORD, newPassword: ANOTHER }
    expect((await platform.call('POST', '/api/v1/auth/password/change', change, victim.bearer)).status).toBe(204)
    expect((await platform.call('POST', '/api/v1/auth/email/verify', { token: own })).status).toBe(204)

    const other = await platform.signUp()
    const link = await askedByThief(other, 'thief-2@example.net')
    expect((await platform.call('POST', '/api/v1/auth/password/change', change, other.bearer)).status).toBe(204)
    expect((await platform.call('POST', '/api/v1/auth/email/verify', { token: link })).status).toBe(400)
  })
})

test('a link to set a password does nothing once the address moved on, however late that was', async () => {
  const person = await platform.signUp()
  await platform.mail.waitFor(person.email)
  await platform.call('POST', '/api/v1/auth/password/forgot', { email: person.email })
  const token = tokenIn(await platform.mail.waitFor(person.email, { count: 2 }))
  // Held by the change of address, the reset has looked at the account already when it commits.
  let reset: ReturnType<AuthPlatform['call']> | undefined
  await platform.database.system(async (system) => {
    await system.run(statement`
      update plinth.users set email = 'moved-on@example.com' where id = ${person.userId}::uuid`)
    reset = platform.call('POST', '/api/v1/auth/password/reset', { token, password: ANOTHER })
    await lockWaited()
  })
  expect((await reset!).json).toMatchObject({ status: 400, code: 'token_invalid' })
  const login = { email: 'moved-on@example.com', password: ANOTHER }
  expect((await platform.call('POST', '/api/v1/auth/login', login)).status).toBe(401)
})

/** Does this while somebody who asked for that waits for the account's row. */
async function meanwhile<T>(userId: string, asked: () => Promise<T>, work: FixedStatement): Promise<T> {
  let reply: Promise<T> | undefined
  // Mails of the sign-up refer to the account too, and would be taken for the one that waits.
  await settled()
  await platform.database.system(async (system) => {
    await system.run(statement`select id from plinth.users where id = ${userId}::uuid for update`)
    reply = asked()
    await lockWaited()
    await system.run(work)
  })
  return reply!
}

describe('a sign-in that began before', () => {
  const login = (email: string): ReturnType<AuthPlatform['call']> =>
    platform.call('POST', '/api/v1/auth/login', { email, password: PASSWORD })

  test('a new password comes too late', async () => {
    const { userId, email } = await platform.signUp()
    const changed = statement`
      update plinth.passwords set changed_at = changed_at + interval '1 second' where user_id = ${userId}::uuid`
    const reply = await meanwhile(userId, () => login(email), changed)
    expect(reply.json).toMatchObject({ status: 401, code: 'invalid_credentials' })
    expect((await login(email)).status).toBe(200)
  })

  test('a suspension leaves no session for the day when it is over', async () => {
    const { userId, email } = await platform.signUp()
    const suspended = statement`update plinth.users set status = 'suspended' where id = ${userId}::uuid`
    expect((await meanwhile(userId, () => login(email), suspended)).status).toBe(401)

    const person = await withFactor(platform)
    const pending = await pendingToken(platform, person.email)
    await platform.superuser.query(`update plinth.users set status = 'suspended' where id = $1::uuid`, [person.userId])
    const shown = { mfa_token: pending, code: codeNow(platform, person.secret) }
    expect((await platform.call('POST', '/api/v1/auth/mfa/verify', shown)).status).toBe(401)
    const sessions = await platform.superuser.query('select id from plinth.sessions where owner_user_id = $1::uuid', [
      person.userId,
    ])
    expect(sessions).toHaveLength(1)
  })
})

describe('mails', () => {
  test('a name of two lines keeps nobody from his mails', async () => {
    await platform.signUp({ email: 'two-lines@example.com', name: 'Ada\nBcc: eve' })
    await platform.call('POST', '/api/v1/auth/password/forgot', { email: 'two-lines@example.com' })
    await settled()
    const mails = platform.mail.to('two-lines@example.com')
    expect(mails.map(({ toName }) => toName)).toEqual(['Ada Bcc: eve', 'Ada Bcc: eve'])
  })

  test('a stranger who asks for links that are not sent does not use up those of the owner', async () => {
    const victim = await platform.signUp()
    const confirm = tokenIn(await platform.mail.waitFor(victim.email))
    await platform.call('POST', '/api/v1/auth/email/verify', { token: confirm })
    for (let count = 0; count < 6; count += 1)
      await platform.call('POST', '/api/v1/auth/email/resend', { email: victim.email })
    await settled()
    await platform.call('POST', '/api/v1/auth/password/forgot', { email: victim.email })
    await settled()
    expect(platform.mail.to(victim.email).map(({ subject }) => subject)).toContain('Plinth: Set a new password')
  })

  test('who has an account cannot flood a mailbox by naming it as his', async () => {
    const person = await platform.signUp()
    const ask = (email: string): ReturnType<AuthPlatform['call']> =>
      platform.call('PATCH', '/api/v1/auth/me', { email, currentPassword: PASSWORD }, person.bearer)
    const replies = []
    for (let count = 0; count < 8; count += 1) replies.push(await ask('flooded@example.net'))
    await settled()
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429, 429, 429])
    expect(platform.mail.to('flooded@example.net')).toHaveLength(5)
    // Nor many, one after the other.
    for (let count = 0; count < 5; count += 1) await ask(`flooded-${count}@example.net`)
    expect((await ask('flooded-last@example.net')).status).toBe(429)
  })
})

test('no spelling of a name has tries of its own', async () => {
  const { email } = await platform.signUp({ email: 'mixing.things@example.com' })
  const guess = async (name: string): Promise<number> => {
    const request = new Request('https://app.example.com/api/v1/auth/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: name, password: 'a wrong guess' }),
    })
    return (await platform.plinth.fetch(request, { address: '203.0.113.9' })).status
  }
  const spellings = [email, email.toUpperCase(), 'm\u0130xing.things@example.com', 'ｍixing.th\u0130ngs@example.com']
  const statuses = []
  for (let count = 0; count < 14; count += 1) statuses.push(await guess(spellings[count % spellings.length]!))
  expect(statuses.filter((status) => status === 401)).toHaveLength(10)
})

test.each(['/.//evil.example', '/..//evil.example', '/a/..//evil.example/x', '/./\u002F/evil.example'])(
  'after a sign-in %s leads nowhere',
  (next) => expect(localPath(next, '')).toBeUndefined(),
)

test('where accounts begin with a mail, signing in tells nothing of an address', async () => {
  const byMail = await openAuth({ registration: 'by-mail' })
  try {
    const [free, taken] = ['free@example.com', 'taken@example.com']
    await byMail.call('POST', '/api/v1/auth/register', { email: taken, password: PASSWORD })
    const link = tokenIn(await byMail.mail.waitFor(taken))
    await byMail.call('POST', '/api/v1/auth/email/verify', { token: link, password: PASSWORD })
    const tried = []
    for (const email of [free, taken]) {
      await byMail.call('POST', '/api/v1/auth/register', { email, password: ANOTHER })
      await byMail.parts.after.settled()
      const login = await byMail.call('POST', '/api/v1/auth/login', { email, password: ANOTHER })
      tried.push({ ...(login.json as object), requestId: '' })
    }
    expect(tried[0]).toMatchObject({ status: 401, code: 'invalid_credentials' })
    expect(tried[0]).toEqual(tried[1])
    // Whoever reads the mail gets in.
    const shown = { token: tokenIn(byMail.mail.to(free).at(-1)!), password: ANOTHER }
    await byMail.call('POST', '/api/v1/auth/email/verify', shown)
    expect((await byMail.call('POST', '/api/v1/auth/login', { email: free, password: ANOTHER })).status).toBe(200)
  } finally {
    await byMail.close()
  }
}, 60_000)

test('behind a proxy that nobody named, cookies are for https alone all the same', async () => {
  const reply = await platform.plinth.fetch(new Request('http://app.example.com/login'), {
    address: '10.0.0.1',
    secure: false,
  })
  expect(reply.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-before_login=.*; Secure$/)])
  expect(reply.headers.get('strict-transport-security')).toBe('max-age=31536000')
})
