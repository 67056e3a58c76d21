import { hash, randomBytes } from 'node:crypto'
import type { TestReply } from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openIdentity, PASSWORD, secondProcess, type Identity } from './open-identity.ts'

/*
 * Whatever works once is shown a hundred times at once, to two processes, twenty times over: exactly one gets it. Codes of a second
 * factor and recovery codes are tested beside their code, refresh tokens in `sessions/refresh.test.ts` of @plinth/auth.
 */
const AT_ONCE = 100
const ROUNDS = 20

let platform: Identity
let other: ReturnType<typeof secondProcess>
beforeAll(async () => {
  platform = await openIdentity({ pool: 8 })
  other = secondProcess(platform)
}, 120_000)
afterAll(async () => {
  await other.close()
  await platform.close()
})

/** The same request a hundred times at once, half of them in each process. */
async function shown(path: string, body: object, bearer: Readonly<Record<string, string>> = {}): Promise<number[]> {
  const headers = Object.entries({ ...bearer, 'content-type': 'application/json' })
  const request = { method: 'POST', target: path, headers, body: JSON.stringify(body) }
  const replies = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, at): Promise<Pick<TestReply, 'status'>> =>
      at % 2 === 0 ? platform.send(request) : other.send(request),
    ),
  )
  return replies.map((reply) => reply.status)
}

const won = (statuses: readonly number[]): number => statuses.filter((status) => status < 300).length
/** Too many hashes at once are a 503: nobody got anything by it. */
const lost = (statuses: readonly number[]): readonly number[] =>
  [...new Set(statuses.filter((status) => status >= 300))].toSorted((a, b) => a - b)

describe(`of ${AT_ONCE} at once exactly one succeeds, ${ROUNDS} times over:`, () => {
  test('a link that confirms an address', { timeout: 240_000 }, async () => {
    const person = await platform.signUp()
    await platform.mail.waitFor(person.email)
    for (let round = 0; round < ROUNDS; round += 1) {
      const statuses = await shown(
        '/api/v1/auth/email/verify',
        { token: platform.linkToken(person.email) },
        person.bearer,
      )
      expect({ round, won: won(statuses) }).toEqual({ round, won: 1 })
      platform.mail.clear()
      // So many changes of address in an hour are refused.
      await platform.superuser.query('delete from plinth.rate_buckets')
      // The next link goes to the next address, and is asked for with a password.
      const next = await platform.call(
        'PATCH',
        '/api/v1/auth/me',
        { email: person.email.replace('@', `+${round}@`), currentPassword: PASSWORD },
        person.bearer,
      )
      expect(next.status).toBe(200)
      const address = person.email.replace('@', `+${round}@`)
      await platform.mail.waitFor(address)
      const last = platform.linkToken(address)
      expect(won(await shown('/api/v1/auth/email/verify', { token: last }, person.bearer))).toBe(1)
      platform.mail.clear()
      await platform.call('PATCH', '/api/v1/auth/me', { email: person.email, currentPassword: PASSWORD }, person.bearer)
      await platform.mail.waitFor(person.email)
    }
  })

  test('a link that sets a new password', { timeout: 240_000 }, async () => {
    const person = await platform.signUp()
    await platform.mail.waitFor(person.email)
    for (let round = 0; round < ROUNDS; round += 1) {
      platform.mail.clear()
      // Five mails an hour go to one address.
      platform.clock.advance(3_600_000)
      await platform.superuser.query('delete from plinth.rate_buckets')
      await platform.call('POST', '/api/v1/auth/password/forgot', { email: person.email })
      await platform.mail.waitFor(person.email)
      const token = platform.linkToken(person.email)
      const statuses = await shown('/api/v1/auth/password/reset', { token, password: `${PASSWORD} ${round}` })
      expect({ round, won: won(statuses) }).toEqual({ round, won: 1 })
      expect(lost(statuses).filter((status) => status !== 400 && status !== 503)).toEqual([])
      // The notice that it was done, which is of no use to the next round.
      await platform.mail.waitFor(person.email, { count: 2 })
    }
  })

  test('an invitation', { timeout: 240_000 }, async () => {
    const guest = await platform.signUp()
    await platform.mail.waitFor(guest.email)
    const confirmed = { token: platform.linkToken(guest.email), password: PASSWORD }
    await platform.call('POST', '/api/v1/auth/email/verify', confirmed)
    const login = await platform.call('POST', '/api/v1/auth/login', { email: guest.email, password: PASSWORD })
    const bearer = { authorization: `Bearer ${(login.json as { access_token: string }).access_token}` }
    for (let round = 0; round < ROUNDS; round += 1) {
      const owner = await platform.signUp()
      platform.mail.clear()
      const invited = await platform.call(
        'POST',
        '/api/v1/invitations',
        { email: guest.email, roles: ['user'] },
        owner.bearer,
      )
      expect(invited.status, invited.body).toBe(201)
      await platform.mail.waitFor(guest.email)
      const { id } = invited.json as { id: string }
      const token = platform.linkToken(guest.email)
      const statuses = await shown(`/api/v1/invitations/${id}/accept`, { token }, bearer)
      expect({ round, won: won(statuses) }).toEqual({ round, won: 1 })
      const members = await platform.superuser.query(
        'select count(*)::int as n from plinth.memberships where tenant_id = $1::uuid',
        [owner.tenantId],
      )
      expect(members).toEqual([{ n: 2 }])
    }
  })

  test('the token that makes the first operator', { timeout: 240_000 }, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const token = `btp_${randomBytes(32).toString('base64url')}`
      const expires = new Date(platform.clock.now().getTime() + 3_600_000).toISOString()
      await platform.superuser.query(
        `insert into plinth.one_time_tokens (token_hash, purpose, created_at, expires_at)
         values ($1::text, 'bootstrap', now(), $2::text::timestamptz)`,
        [hash('sha256', token, 'base64url'), expires],
      )
      const statuses = await shown('/api/v1/auth/bootstrap', {
        token,
        email: `operator-${round}@example.com`,
        password: PASSWORD,
      })
      expect({ round, won: won(statuses) }).toEqual({ round, won: 1 })
      expect(lost(statuses).filter((status) => status !== 400 && status !== 503)).toEqual([])
    }
  })
})
