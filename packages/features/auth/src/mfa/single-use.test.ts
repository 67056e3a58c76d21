import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeNow, freshGuesses, pendingToken, withFactor, type WithFactor } from '../../tests/second-factor.ts'
import { openAuth, type AuthPeer, type AuthPlatform } from '../../tests/open-auth.ts'
import { takeRecoveryCode, takeSecondFactor } from './take-second-factor.ts'
import { replaceRecoveryCodes } from './replace-recovery-codes.ts'

let platform: AuthPlatform
let peer: AuthPeer
let person: WithFactor
beforeAll(async () => {
  platform = await openAuth()
  peer = await platform.peer()
  person = await withFactor(platform)
}, 120_000)
afterAll(async () => {
  await peer.close()
  await platform.close()
})

const ROUNDS = 20
const AT_ONCE = 100
const numbers = Array.from({ length: AT_ONCE }, (_, index) => index)
/** Every second one in the other process. */
const on = (index: number): AuthPlatform | AuthPeer => (index % 2 === 0 ? platform : peer)

test('a code is taken once, however many show it at once in two processes', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    platform.clock.advance(30_000)
    const code = codeNow(platform, person.secret)
    const taken = await Promise.all(
      numbers.map((index) => {
        const { parts } = on(index)
        return parts.database.system((system) => takeSecondFactor({ platform: parts }, system, person.userId, code))
      }),
    )
    expect(taken.filter(Boolean), `round ${round}`).toHaveLength(1)
  }
}, 120_000)

test('a recovery code likewise', async () => {
  let codes = person.recoveryCodes
  for (let round = 0; round < ROUNDS; round += 1) {
    if (round === 10)
      codes = await platform.database.system((system) =>
        replaceRecoveryCodes({ platform: platform.parts }, system, person.userId),
      )
    const code = codes[round % 10]!
    const taken = await Promise.all(
      numbers.map((index) => {
        const { parts } = on(index)
        return parts.database.system((system) => takeRecoveryCode({ platform: parts }, system, person.userId, code))
      }),
    )
    expect(taken.filter(Boolean), `round ${round}`).toHaveLength(1)
  }
}, 120_000)

test('and over HTTP: of those who show one code with one pending token, or each with his own, one is signed in', async () => {
  for (const tokens of ['one', 'each'] as const)
    for (let round = 0; round < ROUNDS / 2; round += 1) {
      platform.clock.advance(30_000)
      await freshGuesses(platform, person.userId)
      const first = pendingToken(platform, person.email)
      const some = await Promise.all(
        numbers.slice(0, 8).map((index) => (tokens === 'one' ? first : pendingToken(on(index), person.email))),
      )
      const code = codeNow(platform, person.secret)
      const replies = await Promise.all(
        some.map((token, index) => on(index).call('POST', '/api/v1/auth/mfa/verify', { mfa_token: token, code })),
      )
      expect(
        replies.filter((reply) => reply.status === 200),
        `${tokens} ${round}`,
      ).toHaveLength(1)
      expect(replies.every((reply) => [200, 401, 429].includes(reply.status))).toBe(true)
    }
}, 240_000)

test('a factor is confirmed once', async () => {
  const someone = await platform.signUp()
  const set = await platform.call('POST', '/api/v1/auth/mfa/setup', {}, someone.bearer)
  const code = codeNow(platform, (set.json as { secret: string }).secret)
  const replies = await Promise.all(
    numbers.map((index) => on(index).call('POST', '/api/v1/auth/mfa/verify', { code }, someone.bearer)),
  )
  expect(replies.filter((reply) => reply.status === 200)).toHaveLength(1)
}, 60_000)
