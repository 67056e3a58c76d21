import { randomUUID } from 'node:crypto'
import type { RateLimitStore } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { limitStoreCases } from '../../../testing/src/limits/limit-store-cases.ts'
import { attach, openPGlite, openServer, type Opened } from '../../tests/fixture.ts'
import { Sweep } from '../sweep/sweep.ts'

const subjects = [
  { name: 'PostgreSQL', open: () => openServer(inject('postgresUrl')) },
  { name: 'PGlite', open: () => openPGlite() },
]
const waiting = `select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and query like '%take_tokens%'
  and pid <> pg_backend_pid() and datname = current_database()`
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const log = { ...silent, child: () => log }

describe.each(subjects)('limits on $name', ({ open }) => {
  let opened: Opened
  let store: RateLimitStore
  beforeAll(async () => {
    opened = await open()
    store = attach(opened.drivers).database.limits
  })
  afterAll(() => opened.close())

  test.each(limitStoreCases)('$title', ({ run }) => run(store, randomUUID()))

  test('the sweep removes full buckets and no others; a take at the same time loses nothing', async () => {
    const full = { key: `full:${randomUUID()}`, capacity: 1_000, windowSeconds: 1 }
    const used = { key: `used:${randomUUID()}`, capacity: 10, windowSeconds: 86_400 }
    await store.take([full, { ...used, cost: 10 }])
    const sweep = new Sweep(() => opened.drivers.system(), log)
    const keys = async (): Promise<readonly string[]> => {
      const rows = await opened.owner.query('select key from plinth.rate_buckets')
      return rows.map((row) => String(row['key']))
    }
    while ((await keys()).includes(full.key)) await sweep.run()
    expect(await keys()).toContain(used.key)
    const racing = { key: `racing:${randomUUID()}`, capacity: 50, windowSeconds: 86_400 }
    // Looks leave a full bucket behind, which the sweep takes while others charge it.
    const looks = Array.from({ length: 40 }, () => store.take([{ ...racing, cost: 0 }]))
    const sweeps = Array.from({ length: 20 }, () => sweep.run())
    const takes = Array.from({ length: 100 }, () => store.take([racing]))
    await Promise.all([...looks, ...sweeps])
    const results = await Promise.all(takes)
    expect(results.filter(([result]) => result!.allowed)).toHaveLength(50)
  })

  test('the runtime login has no way to a bucket but the function', async () => {
    for (const text of [
      'select * from plinth.rate_buckets',
      "insert into plinth.rate_buckets values ('x', 0)",
      'delete from plinth.rate_buckets',
      "insert into plinth.rate_limits values (gen_random_uuid(), 'tenant', 1, 1)",
      'update plinth.rate_limits set max_requests = 1000000',
    ])
      await expect(opened.drivers.app.query(text), text).rejects.toThrow(/permission denied/)
  })

  test('the rates of tenants: set, changed, taken away', async () => {
    const { limits } = attach(opened.drivers).database
    const [a, b] = [randomUUID(), randomUUID()]
    for (const id of [a, b])
      await opened.owner.query(
        `insert into plinth.tenants (id, slug, name) values ('${id}', 't${id.slice(0, 8)}', 'T')`,
      )
    const rate = { capacity: 5, windowSeconds: 60 }
    await limits.setOfTenant(a, { tenant: rate, principal: { capacity: 2, windowSeconds: 1 } })
    expect([...(await limits.ofTenants([a, b, randomUUID()]))]).toEqual([
      [a, { tenant: rate, principal: { capacity: 2, windowSeconds: 1 } }],
    ])
    await limits.setOfTenant(a, { tenant: { capacity: 7, windowSeconds: 60 }, principal: null })
    expect((await limits.ofTenants([a])).get(a)).toEqual({ tenant: { capacity: 7, windowSeconds: 60 } })
    // Of its own tenant alone, where a statement reads the table.
    await opened.drivers.app.transaction(async (connection) => {
      await connection.query("select set_config('plinth.tenant', $1::text, true)", [b])
      expect(await connection.query('select * from plinth.rate_limits')).toEqual([])
      await connection.query("select set_config('plinth.tenant', $1::text, true)", [a])
      expect(await connection.query('select * from plinth.rate_limits')).toHaveLength(1)
    })
  })
})

// On a server alone: in the embedded database nobody can come in between.
test('a row that the sweep takes while a take waits for another one is made again', async () => {
  const opened = await openServer(inject('postgresUrl'))
  const store = attach(opened.drivers).database.limits
  const [a, b] = ['a', 'b'].map((name) => ({ key: `${name}:${randomUUID()}`, capacity: 10, windowSeconds: 86_400 }))
  await store.take([a!, { ...b!, cost: 0 }])
  let taking: ReturnType<RateLimitStore['take']> | undefined
  await opened.owner.transaction(async (connection) => {
    await connection.query('select from plinth.rate_buckets where key = $1 for update', [a!.key])
    taking = store.take([a!, b!])
    // Another connection: this one holds what is waited for.
    while ((await opened.owner.query(waiting))[0]?.['n'] === 0);
    await opened.owner.query('delete from plinth.rate_buckets where key = $1', [b!.key])
  })
  expect((await taking!).map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
    [true, 8],
    [true, 9],
  ])
  expect((await store.take([{ ...b!, cost: 0 }]))[0]).toMatchObject({ remaining: 9 })
  await opened.close()
})
