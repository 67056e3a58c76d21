import { afterAll, beforeAll, expect, test } from 'vitest'
import { askWith, keyOf } from '../tests/api-keys.ts'
import { codeNow, pendingToken, withFactor } from '../tests/second-factor.ts'
import { openAuth, type AuthPlatform } from '../tests/open-auth.ts'

let platform: AuthPlatform
beforeAll(async () => {
  platform = await openAuth({}, [], { kind: 'pglite' })
}, 120_000)
afterAll(() => platform.close())

test('on the embedded database a factor is confirmed, asked for and taken once', async () => {
  const person = await withFactor(platform)
  const code = codeNow(platform, person.secret)
  const tokens = await Promise.all(Array.from({ length: 4 }, () => pendingToken(platform, person.email)))
  const replies = await Promise.all(
    tokens.map((mfa_token) => platform.call('POST', '/api/v1/auth/mfa/verify', { mfa_token, code })),
  )
  expect(replies.filter((reply) => reply.status === 200)).toHaveLength(1)
})

test('and a key is made, used, rotated and revoked', async () => {
  const person = await platform.signUp()
  const { id, key } = await keyOf(platform, person, { role: 'reader' })
  expect((await askWith(platform, key)).status).toBe(200)
  const path = `/api/v1/auth/api-keys/${id}`
  const rotated = await platform.call('POST', `${path}/rotate`, { overlapSeconds: 0 }, person.bearer)
  const next = (rotated.json as { key: string }).key
  expect([(await askWith(platform, key)).status, (await askWith(platform, next)).status]).toEqual([401, 200])
  expect((await platform.call('DELETE', path, undefined, person.bearer)).status).toBe(204)
  expect((await askWith(platform, next)).status).toBe(401)
})
