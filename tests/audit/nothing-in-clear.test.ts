import { afterAll, beforeAll, expect, test } from 'vitest'
import { PASSWORD, type Person } from '../identity/open-identity.ts'
import { openWalk, type Walk } from './walk.ts'

let walk: Walk
let person: Person
beforeAll(async () => {
  walk = await openWalk()
  person = await walk.platform.signUp({ email: 'canary.person@example.com' })
}, 120_000)
afterAll(() => walk.platform.close())

const ADDRESS = '203.0.113.77'

/** From an address, as the server sees it. */
async function from(
  method: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const response = await walk.platform.plinth.fetch(
    new Request(`https://app.example.com/api/v1/${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'user-agent': 'canary-agent/1', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
    { address: ADDRESS },
  )
  return response.status
}

/** In how many rows of the log a word stands. */
async function rowsWith(word: string): Promise<number> {
  const [row] = await walk.platform.superuser.query(
    `select ((select count(*) from plinth.audit_logs l where l::text like '%' || $1::text || '%')
      + (select count(*) from plinth.audit_inbox i where i::text like '%' || $1::text || '%'))::int as n`,
    [word],
  )
  return Number(row?.['n'])
}

test('no password, no token and no key is in any entry, and what is personal only encrypted', async () => {
  const { platform, feature } = walk
  expect(await from('POST', 'auth/login', { email: person.email, password: 'c4nary-wrong-password' })).toBe(401)
  expect(await from('POST', 'auth/login', { email: 'c4nary-name@example.com', password: PASSWORD })).toBe(401)
  expect(await from('POST', 'auth/login', { email: person.email, password: PASSWORD })).toBe(200)
  expect(await from('GET', 'folders', undefined, { authorization: 'Bearer c4nary.credential' })).toBe(401)
  const change = { currentPassword: PASSWORD, newPassword: 'c4nary-new-pass-phrase' }
  expect(await from('POST', 'auth/password/change', change, person.bearer)).toBe(204)
  const key = await platform.call('POST', '/api/v1/auth/api-keys', { name: 'Key', role: 'owner' }, person.bearer)
  await feature.flushRefusals()
  await feature.seal()
  const { key: secret } = key.json as { key: string }
  for (const word of ['c4nary', PASSWORD, person.accessToken, person.refreshToken, secret, ADDRESS, 'canary-agent'])
    expect({ word, rows: await rowsWith(word) }).toEqual({ word, rows: 0 })
})

test('a failed sign-in is told to the tenants of the account, one of nobody to the platform', async () => {
  const { superuser } = walk.platform
  const rows = await superuser.query(
    `select tenant_id, actor_kind, target_id, outcome from plinth.audit_logs where action = 'auth.logIn' order by target_id nulls last`,
  )
  expect(rows).toEqual([
    { tenant_id: expect.any(String), actor_kind: 'anonymous', target_id: expect.anything(), outcome: 'failed' },
    { tenant_id: expect.any(String), actor_kind: 'anonymous', target_id: null, outcome: 'failed' },
  ])
  expect(new Set(rows.map((row) => row['tenant_id']))).toEqual(
    new Set([person.tenantId, '00000000-0000-0000-0000-000000000000']),
  )
})

test('an owner reads where it came from, until the key of the person is shredded', async () => {
  const login = await walk.platform.call('POST', '/api/v1/auth/login', {
    email: person.email,
    password: 'c4nary-new-pass-phrase',
  })
  const bearer = { authorization: `Bearer ${(login.json as { access_token: string }).access_token}` }
  const changes = async (): Promise<unknown> => {
    const reply = await walk.platform.call('GET', '/api/v1/audit-logs?action=password.updated', undefined, bearer)
    return (reply.json as { data: unknown[] }).data[0]
  }
  expect(await changes()).toMatchObject({
    actorId: person.userId,
    address: ADDRESS,
    userAgent: 'canary-agent/1',
    erased: false,
  })
  await walk.feature.shredSubject(`user:${person.userId}`)
  expect(await changes()).toMatchObject({ actorId: person.userId, address: null, userAgent: null, erased: true })
  const verdict = await walk.platform.call('GET', '/api/v1/audit-logs/verify', undefined, bearer)
  expect(verdict.json).toMatchObject({ valid: true })
})
