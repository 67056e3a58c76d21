import { hashToken, type Platform } from '@plinth/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { peoplePlatform, type PeoplePlatform, type Person } from '../../tests/people-platform.ts'
import { admitBy } from '../directory/admit.ts'

let platform: PeoplePlatform
let parts: Platform
let admin: Person
beforeAll(async () => {
  platform = await peoplePlatform({ features: [{ name: 'spy', start: (started) => void (parts = started) }] })
})
beforeEach(async () => {
  admin = await platform.member('admin')
})
afterAll(() => platform.close())

const path = '/api/v1/invitations'
const code = (reply: { readonly json: unknown }): unknown => (reply.json as { code?: string } | undefined)?.code

interface Sent {
  readonly id: string
  readonly token: string
}

async function invited(email: string, body: object = {}): Promise<Sent> {
  const before = platform.mail.to(email).length
  const reply = await platform.ask(admin, 'POST', path, { email, ...body })
  expect(reply.status, reply.body).toBe(201)
  return sentTo(email, before + 1)
}

async function sentTo(email: string, count: number): Promise<Sent> {
  await platform.mail.waitFor(email, { count })
  const [, id, token] = /\/invitations\/([^/]+)\/accept#token=(.+)$/.exec(platform.mail.linkTo(email))!
  return { id: id!, token: token! }
}

const accept = (who: Person, { id, token }: Sent): ReturnType<PeoplePlatform['ask']> =>
  platform.ask(who, 'POST', `${path}/${id}/accept`, { token }, { in: null })

describe('an invitation', () => {
  test('makes the one whose verified address it is a member, once', async () => {
    const guest = await platform.person()
    const sent = await invited(guest.email, { roles: ['user', 'read_only'] })
    const reply = await accept(guest, sent)
    expect(reply.status, reply.body).toBe(200)
    expect(reply.json).toMatchObject({ tenant: { id: platform.a.id, slug: platform.a.slug } })
    expect((await platform.ask(guest, 'GET', '/api/v1/users')).status).toBe(200)
    const again = await accept(guest, sent)
    expect([again.status, code(again)]).toEqual([400, 'invitation_invalid'])
    const list = await platform.ask(admin, 'GET', `${path}?status=accepted&pageSize=100`)
    expect(list.json).toMatchObject({
      data: expect.arrayContaining([expect.objectContaining({ id: sent.id, userId: guest.id })]),
    })
  })

  test('is worth nothing to anybody else, by a wrong token, or in a tenant that is closed', async () => {
    const [guest, thief, unverified] = [
      await platform.person(),
      await platform.person(),
      await platform.person(undefined, { verified: false }),
    ]
    const sent = await invited(guest.email)
    const wrong = await Promise.all([
      accept(thief, sent),
      accept(guest, { ...sent, token: `${sent.token}x` }),
      accept(guest, { ...sent, id: '0193a000-0000-7000-8000-0000000000ff' }),
      accept(guest, { ...sent, id: 'odd' }),
    ])
    const told = wrong.map((reply) => reply.body.replace(/"requestId":"[^"]*"/, ''))
    for (const text of told) expect(text).toBe(told[0])
    expect(code(wrong[0]!)).toBe('invitation_invalid')
    expect(code(await accept(unverified, await invited(unverified.email)))).toBe('email_unverified')
    await platform.stored(`update plinth.tenants set status = 'closed' where id = $1::uuid`, [platform.a.id])
    expect(code(await accept(guest, sent))).toBe('invitation_invalid')
    await platform.stored(`update plinth.tenants set status = 'active' where id = $1::uuid`, [platform.a.id])
    expect((await accept(guest, sent)).status).toBe(200)
  })

  test('ends when it is revoked, sent again, or after seven days', async () => {
    const guest = await platform.person()
    const first = await invited(guest.email)
    const resent = await platform.ask(admin, 'POST', `${path}/${first.id}/resend`)
    expect([resent.status, resent.json]).toMatchObject([200, { id: first.id, status: 'pending' }])
    const second = await sentTo(guest.email, 2)
    expect(code(await accept(guest, first))).toBe('invitation_invalid')
    const third = await invited(guest.email)
    expect([third.id, code(await accept(guest, second))]).toEqual([first.id, 'invitation_invalid'])
    platform.clock.advance(7 * 86_400_000 + 1)
    expect(code(await accept(guest, third))).toBe('invitation_invalid')
    const fourth = await invited(guest.email)
    expect((await platform.ask(admin, 'DELETE', `${path}/${fourth.id}`)).status).toBe(204)
    expect(code(await accept(guest, fourth))).toBe('invitation_invalid')
    expect((await platform.ask(admin, 'DELETE', `${path}/${fourth.id}`)).status).toBe(409)
    expect((await platform.ask(admin, 'POST', `${path}/${fourth.id}/resend`)).status).toBe(409)
  })

  test('is charged and mailed once, however often the request is sent again', async () => {
    const { email } = await platform.person()
    const send = (target: string, body?: object): ReturnType<PeoplePlatform['ask']> =>
      platform.ask(admin, 'POST', target, body, { headers: { 'idempotency-key': `${target}-${email}` } })
    const first = await send(path, { email })
    const { id } = first.json as { id: string }
    const targets: readonly (readonly [string, object | undefined, number])[] = [
      [path, { email }, 201],
      ['/api/v1/users', { email }, 201],
      [`${path}/${id}/resend`, undefined, 200],
    ]
    // Five mails an hour go to one address.
    for (let time = 0; time < 6; time += 1)
      for (const [target, body, status] of targets) expect((await send(target, body)).status, target).toBe(status)
    await sentTo(email, 3)
    expect(platform.mail.to(email)).toHaveLength(3)
  })

  test('goes with whoever sent it', async () => {
    const [boss, guest] = [await platform.member('owner'), await platform.person()]
    const sent = await invited(guest.email)
    expect((await platform.ask(boss, 'PATCH', `/api/v1/users/${admin.id}`, { status: 'suspended' })).status).toBe(200)
    expect(code(await accept(guest, sent))).toBe('invitation_invalid')
  })

  test('gives nobody back what was taken from him', async () => {
    const guest = await platform.person()
    const sent = await invited(guest.email, { roles: ['admin'] })
    await platform.join(guest, platform.a.id, 'read_only')
    expect((await accept(guest, sent)).status).toBe(200)
    expect((await platform.ask(guest, 'GET', `/api/v1/users/${guest.id}`)).json).toMatchObject({ roles: ['read_only'] })
  })

  test('keeps its token to itself: of it only a hash is stored, and nothing is answered or logged', async () => {
    const { id, token } = await invited('secret@example.test')
    const [row] = await platform.stored(
      'select to_jsonb(i)::text as row from plinth.invitations i where id = $1::uuid',
      [id],
    )
    expect(String(row!['row'])).not.toContain(token)
    // By its beginning it is refused at other doors before anything is asked.
    expect(token).toMatch(/^inv_[\w-]{43}$/)
    expect(String(row!['row'])).toContain(hashToken(token))
    const answers = [await platform.ask(admin, 'GET', `${path}/${id}`), await platform.ask(admin, 'GET', path)]
    for (const { body } of answers) expect(body).not.toMatch(/token|hash/i)
    expect(platform.log.text()).not.toContain(token)
  })

  test('is asked of whoever has the permission, and no wider role is in it', async () => {
    const user = await platform.member('user')
    expect((await platform.ask(user, 'POST', path, { email: 'x@example.test' })).status).toBe(403)
    expect((await platform.ask(admin, 'POST', path, { email: 'x@example.test', roles: ['owner'] })).status).toBe(403)
    for (const email of ['x', 'a@b@c', 'a b@example.test', 'x@example.test\nBcc: y@example.test', '']) {
      const reply = await platform.ask(admin, 'POST', path, { email })
      expect([reply.status, code(reply)], email).toEqual([400, 'validation_failed'])
    }
  })

  test('a hundred acceptances at once, twenty rounds: exactly one each', async () => {
    for (let round = 0; round < 20; round += 1) {
      const guest = await platform.person()
      const sent = await invited(guest.email)
      const answers = await Promise.all(Array.from({ length: 100 }, () => accept(guest, sent)))
      const statuses = answers.map((reply) => reply.status)
      expect(statuses.filter((status) => status === 200)).toHaveLength(1)
      expect(statuses.filter((status) => status === 400)).toHaveLength(99)
    }
  })
})

describe('at registration', () => {
  const admit = (newcomer: Person, invitationToken: string, email = newcomer.email): Promise<unknown> =>
    platform.database.system((system) =>
      admitBy('found')(parts, system, {
        userId: newcomer.id,
        email,
        emailVerified: false,
        name: '',
        organizationName: 'Ignored',
        invitationToken,
      }),
    )

  test('the token alone is enough, and proves the address', async () => {
    const guest = await platform.person(undefined, { verified: false })
    const { token } = await invited(guest.email)
    expect(await admit(guest, token)).toMatchObject({ id: platform.a.id })
    const [stored] = await platform.stored('select email_verified_at from plinth.users where id = $1::uuid', [guest.id])
    expect(stored!['email_verified_at']).not.toBeNull()
    await expect(admit(guest, token)).rejects.toMatchObject({ code: 'invitation_invalid' })
  })

  test('but not for another address', async () => {
    const [guest, thief] = [await platform.person(), await platform.person()]
    const { token } = await invited(guest.email)
    await expect(admit(thief, token)).rejects.toMatchObject({ code: 'invitation_invalid' })
    await expect(admit(guest, 'guessed')).rejects.toMatchObject({ code: 'invitation_invalid' })
    expect(await admit(guest, token)).toMatchObject({ id: platform.a.id })
  })

  test('a hundred at once: one succeeds', async () => {
    const guest = await platform.person()
    const { token } = await invited(guest.email)
    const outcomes = await Promise.allSettled(Array.from({ length: 100 }, () => admit(guest, token)))
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
  })
})

test('links lead to PUBLIC_URL, whatever the Host says', async () => {
  const headers = { host: 'evil.test', 'x-forwarded-host': 'evil.test' }
  expect((await platform.ask(admin, 'POST', path, { email: 'link@example.test' }, { headers })).status).toBe(201)
  const { text } = await platform.mail.waitFor('link@example.test')
  expect(text).not.toContain('evil.test')
})
