import { softPasskey } from '@plinth/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAuth, PUBLIC_URL, type AuthPeer, type AuthPlatform } from '../../tests/open-auth.ts'
import { askToLogIn, askToRegister, withPasskey } from '../../tests/passkeys.ts'
import { firstFactor } from '../sign-in/sign-in-by-passkey.ts'
import type { Auth } from '../auth-parts.ts'
import { startCeremony, takeCeremony } from './ceremonies.ts'
import { takePasskey } from './take-passkey.ts'

let platform: AuthPlatform
let peer: AuthPeer
beforeAll(async () => {
  platform = await openAuth()
  peer = await platform.peer()
}, 120_000)
afterAll(async () => {
  await peer.close()
  await platform.close()
})

const AT_ONCE = 100
const numbers = Array.from({ length: AT_ONCE }, (_, index) => index)
/** Every second one in the other process. */
const on = (index: number): AuthPlatform | AuthPeer => (index % 2 === 0 ? platform : peer)
const won = (replies: readonly { readonly status: number }[]): number =>
  replies.filter((reply) => reply.status < 300).length
const lost = (replies: readonly { readonly status: number }[]): number[] =>
  [...new Set(replies.map((reply) => reply.status))].filter((status) => status >= 300).toSorted((a, b) => a - b)

test('a ceremony is taken once, however many answer it at once in two processes', async () => {
  for (let round = 0; round < 20; round += 1) {
    const ceremony = await startCeremony({ platform: platform.parts }, firstFactor)
    const taken = await Promise.all(
      numbers.map((index) => takeCeremony({ platform: on(index).parts }, firstFactor, ceremony)),
    )
    expect(taken.filter(Boolean), `round ${round}`).toHaveLength(1)
  }
}, 60_000)

test('a count of an authenticator is taken once; whoever shows it again has a copy', async () => {
  for (let round = 0; round < 5; round += 1) {
    const person = await withPasskey(platform)
    const believed = {
      id: person.deviceId,
      userId: person.userId,
      publicKey: '',
      assertion: { counter: 7, backedUp: false },
      // The same count is a copy's, whenever it was asked for.
      began: new Date(platform.clock.now().getTime() - 60_000),
    }
    const taken = await Promise.all(
      numbers.map((index) => {
        const parts = { platform: on(index).parts } as Auth
        return parts.platform.database.system((system) => takePasskey(parts, system, believed, 'nothing'))
      }),
    )
    expect(
      taken.filter((one) => one === 'taken'),
      `round ${round}`,
    ).toHaveLength(1)
  }
}, 60_000)

test('over HTTP: of those who show one answer, one is signed in', async () => {
  for (let round = 0; round < 5; round += 1) {
    const person = await withPasskey(platform)
    const { ceremony, publicKey } = await askToLogIn(platform)
    const body = { ceremony, credential: person.passkey.get(publicKey) }
    const replies = await Promise.all(
      numbers.map((index) => on(index).call('POST', '/api/v1/auth/passkeys/login/verify', body)),
    )
    expect(won(replies)).toBe(1)
    expect(lost(replies).filter((status) => status !== 401 && status !== 429)).toEqual([])
  }
}, 60_000)

test('one answer registers one passkey, and one passkey is registered once', async () => {
  const person = await platform.signUp()
  const { ceremony, publicKey } = await askToRegister(platform, person.bearer)
  const body = { ceremony, credential: softPasskey({ origin: PUBLIC_URL }).create(publicKey) }
  const register = (index: number, sent: object): ReturnType<AuthPeer['call']> =>
    on(index).call('POST', '/api/v1/auth/passkeys/register/verify', sent, person.bearer)
  const replies = await Promise.all(numbers.map((index) => register(index, body)))
  expect([won(replies), lost(replies)]).toEqual([1, [400]])

  const passkey = softPasskey({ origin: PUBLIC_URL })
  const asked = await Promise.all(numbers.map(() => askToRegister(platform, person.bearer)))
  const each = await Promise.all(
    asked.map((one, index) => register(index, { ceremony: one.ceremony, credential: passkey.create(one.publicKey) })),
  )
  expect([won(each), lost(each)]).toEqual([1, [409]])
}, 60_000)

test('ten factors are the most, however many are added at once', async () => {
  const person = await withPasskey(platform)
  const asked = await Promise.all(numbers.slice(0, 30).map(() => askToRegister(platform, person.bearer)))
  const replies = await Promise.all(
    asked.map((one, index) =>
      on(index).call(
        'POST',
        '/api/v1/auth/passkeys/register/verify',
        { ceremony: one.ceremony, credential: softPasskey({ origin: PUBLIC_URL }).create(one.publicKey) },
        person.bearer,
      ),
    ),
  )
  expect([won(replies), lost(replies)]).toEqual([9, [409]])
}, 60_000)
