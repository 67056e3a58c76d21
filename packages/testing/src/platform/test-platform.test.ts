import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { depot } from '../resources/depot.ts'
import { isMarked } from '../tenants/marks.ts'
import { testJournal } from './test-journal.ts'
import { testPlatform, type TestPlatform } from './test-platform.ts'

describe.each(['postgres', 'pglite'] as const)('a test platform on %s', (kind) => {
  let platform: TestPlatform
  beforeAll(async () => {
    platform = await testPlatform({
      kind,
      resources: depot,
      features: [testJournal()],
      actors: { clerk: ['folder:read', 'folder:create'] },
    })
  }, 60_000)
  afterAll(() => platform.close())

  test('has people with different rights', async () => {
    const { a } = platform
    const request: TestPlatform['request'] = (...given) => platform.request(...given)
    const create = (actor: string): Promise<number> =>
      request(a.actors[actor], 'POST', '/api/v1/folders', { name: actor }).then(({ status }) => status)
    expect(await create('full')).toBe(201)
    expect(await create('writer')).toBe(201)
    expect(await create('clerk')).toBe(201)
    expect(await create('reader')).toBe(403)
    expect((await request(undefined, 'GET', '/api/v1/folders')).status).toBe(401)
    expect((await request(a.actors.clerk, 'DELETE', '/api/v1/folders/x')).status).toBe(403)
  })

  test('of whom one sees his own rows, another those of his group', async () => {
    const { a, b } = await platform.twoTenants()
    const seen = async (actor: string): Promise<unknown[]> => {
      const { json } = await platform.request(platform.a.actors[actor], 'GET', '/api/v1/prices?pageSize=100')
      return (json as { data: { ownerUserId: string; ownerGroupId: string }[] }).data.map((row) =>
        actor === 'own' ? row.ownerUserId : row.ownerGroupId,
      )
    }
    const { own, group } = platform.a.actors
    expect(new Set(await seen('own'))).toEqual(new Set([own.userId]))
    expect(new Set(await seen('group'))).toEqual(new Set(group.groupIds))
    // The same ids in both, and others in each.
    const ids = (rows: typeof a): string[] => rows.get('price')!.map((row) => row.id)
    expect(ids(a).filter((id) => ids(b).includes(id))).toHaveLength(6)
  })

  test('and two tenants that see nothing of each other', async () => {
    await platform.twoTenants()
    const list = (tenant: 'a' | 'b'): Promise<string> =>
      platform.request(platform[tenant].actors.shared, 'GET', '/api/v1/crates?pageSize=100').then(({ body }) => body)
    expect(isMarked(await list('a'))).toBe(false)
    expect(isMarked(await list('b'))).toBe(true)
    // The superuser sees both.
    const [row] = await platform.superuser.query('select count(distinct tenant_id)::int as tenants from public.crates')
    expect(row).toEqual({ tenants: 2 })
  })

  test('has a clock that stands still and a journal', async () => {
    platform.clock.set('2027-03-01T00:00:00Z')
    const { json } = await platform.request(platform.a.actors.shared, 'POST', '/api/v1/vaults', {
      name: 'timed',
      pin: '123456',
    })
    expect(json).toMatchObject({ createdAt: '2027-03-01T00:00:00Z', version: 1 })
    const [entry] = await platform.superuser.query(
      "select event, actor_kind, version, after from plinth.test_journal where resource = 'vault'",
    )
    expect(entry).toMatchObject({ event: 'created', actor_kind: 'user', version: 1 })
    expect(String(entry?.['after'])).not.toContain('123456')
  })

  test('listens on a socket', async () => {
    const served = await platform.listen()
    try {
      const headers = { authorization: `Bearer ${platform.a.actors.full.token}`, 'content-type': 'application/json' }
      const made = await fetch(`${served.url}/api/v1/folders`, {
        method: 'POST',
        headers,
        body: '{"name":"over a socket"}',
      })
      expect([made.status, await made.json()]).toMatchObject([201, { name: 'over a socket' }])
      expect((await fetch(`${served.url}/nothing`)).status).toBe(404)
    } finally {
      await served.close()
    }
  })

  test('each has a database of its own', async () => {
    const other = await testPlatform({ kind, resources: depot, features: [testJournal()] })
    try {
      expect((await other.request(other.a.actors.full, 'GET', '/api/v1/folders')).json).toMatchObject({ data: [] })
    } finally {
      await other.close()
    }
  })
})
