import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAuth, type AuthPlatform } from '../../tests/open-auth.ts'

let platform: AuthPlatform
beforeAll(async () => {
  platform = await openAuth()
}, 120_000)
afterAll(() => platform.close())

interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly code?: string
}
const refresh = async (token: string): Promise<Tokens & { status: number }> => {
  const reply = await platform.call('POST', '/api/v1/auth/refresh', { refresh_token: token })
  return { ...(reply.json as Tokens), status: reply.status }
}
const alive = async (access: string): Promise<boolean> =>
  (await platform.call('GET', '/api/v1/auth/me', undefined, { authorization: `Bearer ${access}` })).status === 200

test('each token is exchanged once: of a hundred at once one gets the next', async () => {
  const person = await platform.signUp()
  let token = person.refreshToken
  for (let round = 0; round < 20; round += 1) {
    const answers = await Promise.all(Array.from({ length: 100 }, () => refresh(token)))
    const won = answers.filter((answer) => answer.status === 200)
    expect(won).toHaveLength(1)
    // The others came within seconds, and the child is unused: a client that asked twice, not a thief.
    expect(new Set(answers.filter((answer) => answer.status !== 200).map((answer) => answer.code))).toEqual(
      new Set(['refresh_superseded']),
    )
    token = won[0]!.refresh_token
  }
  expect(await alive((await refresh(token)).access_token)).toBe(true)
}, 120_000)

test('an old token that comes back after the moment of grace ends its family, access tokens at once', async () => {
  const person = await platform.signUp()
  const next = await refresh(person.refreshToken)
  platform.clock.advance(11_000)
  expect(await alive(next.access_token)).toBe(true)
  expect(await refresh(person.refreshToken)).toMatchObject({ status: 401, code: 'refresh_reused' })
  expect(await alive(next.access_token)).toBe(false)
  expect(await refresh(next.refresh_token)).toMatchObject({ status: 401, code: 'refresh_invalid' })
})

test('a token whose child was used ends the family even within the moment of grace', async () => {
  const person = await platform.signUp()
  const child = await refresh(person.refreshToken)
  const grandchild = await refresh(child.refresh_token)
  expect(await refresh(person.refreshToken)).toMatchObject({ status: 401, code: 'refresh_reused' })
  expect(await alive(grandchild.access_token)).toBe(false)
})

test('a session ends without use, and at the latest at its absolute end', async () => {
  const idle = await platform.signUp()
  platform.clock.advance(15 * 86_400_000)
  expect(await refresh(idle.refreshToken)).toMatchObject({ status: 401, code: 'refresh_invalid' })
  let { refreshToken } = await platform.signUp()
  for (let week = 0; week < 12; week += 1) {
    platform.clock.advance(7 * 86_400_000)
    const next = await refresh(refreshToken)
    expect(next.status, `week ${week}`).toBe(200)
    refreshToken = next.refresh_token
  }
  platform.clock.advance(7 * 86_400_000)
  expect((await refresh(refreshToken)).code).toBe('refresh_invalid')
})
