import { afterAll, beforeAll, expect, test } from 'vitest'
import { openIdentity, type Identity, type Person } from './open-identity.ts'

let platform: Identity
beforeAll(async () => void (platform = await openIdentity()), 120_000)
afterAll(() => platform.close())

const DAY = 86_400_000

/** Every table that has rows of this tenant, and how many. */
async function rowsOf(tenantId: string): Promise<Readonly<Record<string, number>>> {
  const tables = await platform.superuser.query(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     join pg_attribute a on a.attrelid = c.oid where c.relkind = 'r' and a.attname = 'tenant_id' and n.nspname in ('plinth', 'public')`,
  )
  const counts: Record<string, number> = {}
  for (const { name } of tables) {
    const [row] = await platform.superuser.query(
      `select count(*)::int as n from ${String(name)} where tenant_id = $1::uuid`,
      [tenantId],
    )
    if (Number(row!['n']) > 0) counts[String(name)] = Number(row!['n'])
  }
  return counts
}

async function work(person: Person): Promise<void> {
  const make = async (path: string, body: object): Promise<void> => {
    const reply = await platform.call('POST', `/api/v1/${path}`, body, person.bearer)
    expect(reply.status, `${path}: ${reply.body}`).toBe(201)
  }
  await make('auth/api-keys', { name: 'ci', role: 'read_only' })
  await make('groups', { name: 'team' })
  await make('invitations', { email: `guest-of-${person.userId}@example.com` })
  await make('domains', { domain: `d${person.userId.slice(0, 8)}.com` })
  await make('roles', { name: 'auditor', permissions: ['group:read'] })
}

test('of a deleted tenant nothing is left in any table; its people and the other tenants stay', async () => {
  const [gone, stays] = [await platform.signUp(), await platform.signUp()]
  await work(gone)
  await work(stays)
  const before = await rowsOf(stays.tenantId)
  expect(Object.keys(await rowsOf(gone.tenantId)).length).toBeGreaterThan(5)
  const deleted = await platform.call('DELETE', `/api/v1/tenants/${gone.tenantId}`, undefined, gone.bearer)
  expect(deleted.status, deleted.body).toBe(204)
  platform.clock.advance(31 * DAY)
  const purge = platform.plinth.commands.find((command) => command.name === 'tenants:purge')!
  const { rows } = await purge.run({}, { note: () => undefined, ask: () => Promise.resolve(undefined) })
  expect(Number(rows)).toBeGreaterThan(5)
  expect(await rowsOf(gone.tenantId)).toEqual({})
  expect(await rowsOf(stays.tenantId)).toEqual(before)
  const [account] = await platform.superuser.query('select status from plinth.users where id = $1::uuid', [gone.userId])
  expect(account).toEqual({ status: 'active' })
})
