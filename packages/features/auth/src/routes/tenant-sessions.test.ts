import type { EventRecord } from '@plinth/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { keyOf, memberOf } from '../../tests/api-keys.ts'
import { openAuth, type AuthPlatform, type SignedUp } from '../../tests/open-auth.ts'

const heard: EventRecord[] = []
let platform: AuthPlatform
let boss: SignedUp
let member: SignedUp
beforeAll(async () => {
  const on = { 'session.ended': (_: unknown, event: EventRecord) => Promise.resolve(void heard.push(event)) }
  platform = await openAuth({}, [{ name: 'spy', on }])
  platform.database.startBackground()
})
beforeEach(async () => {
  boss = await platform.signUp()
  member = await memberOf(platform, boss.tenantId, 'user')
})
afterAll(() => platform.close())

interface Ended {
  readonly data: readonly { readonly id: string; readonly version: number }[]
}
const told = (): readonly EventRecord[] => heard.filter(({ tenantId }) => tenantId === boss.tenantId)
const sessionOf = async (who: SignedUp): Promise<string> => {
  const list = await platform.call('GET', `/api/v1/sessions?ownerUserId=${who.userId}`, undefined, boss.bearer)
  expect(list.status, list.body).toBe(200)
  return (list.json as Ended).data[0]!.id
}
const end = (path: string, headers: object = {}): ReturnType<AuthPlatform['call']> =>
  platform.call('DELETE', `/api/v1/sessions${path}`, undefined, { ...boss.bearer, ...headers })
const statusOf = async (who: SignedUp): Promise<number> =>
  (await platform.call('GET', '/api/v1/auth/me', undefined, who.bearer)).status

describe('a session of a member', () => {
  test('ends once: with an event, and by the same key not twice', async () => {
    const id = await sessionOf(member)
    const first = await end(`/${id}`, { 'idempotency-key': `end-${id}` })
    expect(first.status, first.body).toBe(204)
    expect(await statusOf(member)).toBe(401)
    const again = await end(`/${id}`, { 'idempotency-key': `end-${id}` })
    expect([again.status, again.headers['idempotency-replayed']]).toEqual([204, 'true'])
    expect((await end(`/${id}`)).status).toBe(204)
    await vi.waitFor(() => expect(told()).toHaveLength(1), { timeout: 10_000 })
    expect(told()[0]).toMatchObject({
      tenantId: boss.tenantId,
      actor: { kind: 'user', id: boss.userId },
      key: id,
      data: { id, userId: member.userId },
    })
  })

  test('ends in the version that was seen, and by nobody who only sees it', async () => {
    const id = await sessionOf(member)
    const seen = await platform.call('GET', `/api/v1/sessions/${id}`, undefined, boss.bearer)
    expect((await end(`/${id}`, { 'if-match': '"99-abcdef"' })).status).toBe(412)
    const reader = await memberOf(platform, boss.tenantId, 'reader')
    expect((await platform.call('DELETE', `/api/v1/sessions/${id}`, undefined, reader.bearer)).status).toBe(403)
    expect(await statusOf(member)).toBe(200)
    expect((await end(`/${id}?force=true`)).status).toBe(400)
    expect((await end(`/${id}`, { 'if-match': seen.headers['etag']! })).status).toBe(204)
  })
})

test('all of them end, each with its event; the caller keeps his own', async () => {
  const other = await memberOf(platform, boss.tenantId, 'user')
  expect((await end('?confirm=sessions&confirm=sessions')).status).toBe(400)
  expect((await end('')).status).toBe(400)
  const reply = await end('?confirm=sessions')
  expect([reply.status, reply.json]).toEqual([200, { deleted: 2 }])
  expect(await Promise.all([boss, member, other].map(statusOf))).toEqual([200, 401, 401])
  await vi.waitFor(() => expect(told()).toHaveLength(2), { timeout: 10_000 })
  expect(
    told()
      .map(({ data }) => (data as { userId: string }).userId)
      .sort(),
  ).toEqual([member.userId, other.userId].sort())
})

test('a key of a member is revoked in the version that was seen', async () => {
  const { id } = await keyOf(platform, member, { role: 'user' })
  const revoke = (tag: string): ReturnType<AuthPlatform['call']> =>
    platform.call('DELETE', `/api/v1/api-keys/${id}`, undefined, { ...boss.bearer, 'if-match': tag })
  expect((await revoke('"99-abcdef"')).status).toBe(412)
  const seen = await platform.call('GET', `/api/v1/api-keys/${id}`, undefined, boss.bearer)
  expect((await revoke(seen.headers['etag']!)).status).toBe(204)
})
