import { defineJob } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { Schedules } from '../src/mover/schedules.ts'
import { jobPlatform, notes, writeNote, type JobPlatform } from './job-platform.ts'

/* How many at once, in which order, how often by the clock, and what a process leaves when it ends. */

let running = 0
let most = 0
let mostOfOne = 0
const byTenant = new Map<string, number>()
const order: string[] = []

const busy = async (tenant: string, milliseconds: number): Promise<void> => {
  running += 1
  byTenant.set(tenant, (byTenant.get(tenant) ?? 0) + 1)
  most = Math.max(most, running)
  mostOfOne = Math.max(mostOfOne, byTenant.get(tenant)!)
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
  running -= 1
  byTenant.set(tenant, byTenant.get(tenant)! - 1)
}

const narrow = defineJob({
  name: 'narrow',
  input: z.object({}),
  concurrency: 3,
  perTenant: 2,
  outside: (_input, _job, ctx) => busy(ctx.tenant.slug, 15),
  run: () => undefined,
})
const keyed = defineJob({
  name: 'keyed',
  input: z.object({ key: z.string(), n: z.number() }),
  key: ({ key }) => key,
  retry: { first: '1s' },
  outside: ({ key, n }, job) => {
    if (n === 2 && job.attempt === 1) throw new Error('not yet')
    order.push(`${key}${n}`)
  },
  run: () => undefined,
})
const nightly = defineJob({
  name: 'nightly',
  input: z.object({ title: z.string().default('by the clock') }),
  cron: '30 3 * * *',
  timeZone: 'Europe/Zurich',
  run: (ctx, input) => ctx.create(notes, input),
})
const slow = defineJob({
  name: 'slow',
  input: z.object({ milliseconds: z.number() }),
  outside: ({ milliseconds }, job) =>
    new Promise<void>((resolve, reject) => {
      setTimeout(resolve, milliseconds)
      job.signal.addEventListener('abort', () => reject(job.signal.reason as Error))
    }),
  run: (ctx) => ctx.create(notes, { title: 'slow' }),
})
const talker = defineJob({
  name: 'talker',
  input: z.object({}),
  retry: { attempts: 1 },
  outside: async (_input, job) => {
    // Cut after 200, it ends with half of a character.
    job.progress(0.5, `${'x'.repeat(198)}\0😀`)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    job.progress(Number.MIN_VALUE)
    await new Promise((resolve) => setTimeout(resolve, 2_500))
  },
  run: () => {
    throw new Error('\0')
  },
})
/** Whose row is taken from it after its last look: as a pause of the process longer than its lease does. */
const robbed = defineJob({
  name: 'robbed',
  input: z.object({}),
  run: async (ctx) => {
    await ctx.create(notes, { title: 'robbed' })
    await taken()
  },
})
let taken = (): Promise<unknown> => Promise.resolve()
const declared = [robbed, talker, narrow, keyed, nightly, slow, writeNote]

describe.each([
  ['alone', false],
  ['beside another worker', true],
] as const)('%s', (_how, company) => {
  let platform: JobPlatform
  beforeAll(async () => {
    most = mostOfOne = 0
    order.length = 0
    platform = await jobPlatform(declared, { mostWaiting: 60, grace: '1s' }, { company })
  })
  afterAll(() => platform.close())

  const empty = (): Promise<void> => platform.superuser.script('delete from plinth.background_jobs; delete from notes')

  test('no more at once than the job says, in all and of one tenant', async () => {
    for (const tenant of ['a', 'b'] as const)
      await platform.plinth.as(platform.principal(tenant), platform[tenant].slug, async (ctx) => {
        for (let at = 0; at < 8; at += 1) await ctx.enqueue(narrow, {})
      })
    await platform.settled()
    expect(most).toBeLessThanOrEqual(3)
    expect(mostOfOne).toBeLessThanOrEqual(2)
    expect(most).toBeGreaterThan(1)
    await empty()
  })

  test('jobs of one key run in their order, and wait for one that is tried again', async () => {
    await platform.plinth.as(platform.principal(), platform.a.slug, async (ctx) => {
      for (const n of [1, 2, 3, 4]) for (const key of ['x', 'y']) await ctx.enqueue(keyed, { key, n })
    })
    await vi.waitFor(async () => expect(await platform.rows(`status = 'scheduled'`)).toHaveLength(2), {
      timeout: 10_000,
    })
    platform.clock.advance(2_000)
    await platform.settled()
    for (const key of ['x', 'y'])
      expect(order.filter((one) => one.startsWith(key))).toEqual([1, 2, 3, 4].map((n) => `${key}${n}`))
    await empty()
  })

  test('a full queue refuses, and says so with when to come again', async () => {
    const asked = platform.plinth.as(platform.principal(), platform.a.slug, async (ctx) => {
      for (let at = 0; at < 61; at += 1) await ctx.enqueue(writeNote, { title: 'much' }, { delay: '1h' })
    })
    await expect(asked).rejects.toMatchObject({ code: 'queue_full', status: 429, headers: { 'retry-after': '5' } })
    expect(await platform.rows()).toEqual([])
  })

  test('by the clock of a time zone, once for each tenant, however many processes look', async () => {
    // Beside the platform's own mover, as if several thought that they lead.
    const others = Array.from({ length: 5 }, () => new Schedules(declared))
    const look = (): Promise<unknown> =>
      Promise.all(others.map((schedules) => schedules.make(platform, platform.clock.now())))
    const made = () => platform.rows(`type = 'nightly'`)
    // 03:30 in Zurich, in winter, is 02:30 in UTC.
    platform.clock.set('2026-02-01T02:29:59.000Z')
    await look()
    expect(await made()).toEqual([])
    platform.clock.set('2026-02-01T02:30:00.000Z')
    await look()
    await vi.waitFor(async () => expect(await made()).toHaveLength(2), { timeout: 10_000 })
    platform.clock.advance(60_000)
    await platform.settled()
    expect((await made()).map((row) => row['status'])).toEqual(['completed', 'completed'])
    expect(await platform.titles()).toEqual(['by the clock', 'by the clock'])
    // Three days without a process: the last one alone.
    platform.clock.set('2026-02-04T10:00:00.000Z')
    await look()
    await vi.waitFor(async () => expect(await made()).toHaveLength(4), { timeout: 10_000 })
    // In summer it is 01:30 in UTC.
    platform.clock.set('2026-07-01T01:29:59.000Z')
    await look()
    await vi.waitFor(async () => expect(await made()).toHaveLength(6), { timeout: 10_000 })
    platform.clock.set('2026-07-01T01:30:00.000Z')
    await look()
    await vi.waitFor(async () => expect(await made()).toHaveLength(8), { timeout: 10_000 })
    await platform.settled()
    await empty()
  })

  test('a run that takes longer than its lease keeps it', async () => {
    await platform.enqueue(slow, { milliseconds: 3_000 })
    await platform.settled()
    expect(await platform.rows()).toMatchObject([{ status: 'completed', attempts: 1 }])
    await empty()
  })

  test('what a job says of itself, whatever it is, keeps no other one from its lease', async () => {
    const others = await platform.enqueue(slow, { milliseconds: 3_000 })
    await platform.enqueue(talker, {})
    await platform.settled()
    const rows = await platform.rows()
    expect(rows.find(({ id }) => id === others)).toMatchObject({ status: 'completed', attempts: 1 })
    expect(rows.find(({ type }) => type === 'talker')).toMatchObject({ status: 'dead', error: 'Error: \uFFFD' })
    await empty()
  })

  test.each([
    ['was cancelled', `status = 'cancelled', delivery = gen_random_uuid()`],
    ['is with another worker', `delivery = gen_random_uuid(), attempts = attempts + 1`],
    ['is done already', `status = 'completed'`],
  ])('what a run has written is rolled back where its job %s', async (_how, change) => {
    let robbery = 0
    taken = () => {
      robbery += 1
      return platform.superuser.query(`update plinth.background_jobs set ${change} where type = 'robbed'`)
    }
    await platform.enqueue(robbed, {})
    await vi.waitFor(() => expect(robbery).toBe(1), { timeout: 10_000 })
    // It is through when its transaction is.
    const written = `select pid from pg_locks where relation = 'notes'::regclass and mode = 'RowExclusiveLock'`
    await vi.waitFor(async () => expect(await platform.superuser.query(written)).toEqual([]), { timeout: 10_000 })
    expect(await platform.titles()).toEqual([])
    await empty()
  })

  test('a tenant’s thousand waiting jobs are no line for another’s', async () => {
    await platform.superuser.query(
      `insert into plinth.background_jobs (tenant_id, id, type, payload, status, max_attempts, run_at, principal_kind, principal_id, second_factor, request_id)
     select $1::uuid, gen_random_uuid(), 'slow', '{"milliseconds": 5}', 'waiting', 1, now(), 'system', 'system', true, 'seed' from generate_series(1, 1000)`,
      [platform.b.id],
    )
    await vi.waitFor(async () => expect((await platform.rows(`status = 'completed'`)).length).toBeGreaterThan(20), {
      timeout: 10_000,
    })
    for (let at = 0; at < 10; at += 1) await platform.enqueue(writeNote, { title: 'quick' })
    await vi.waitFor(
      async () => expect(await platform.rows(`type = 'note.write' and status <> 'completed'`)).toEqual([]),
      {
        timeout: 20_000,
      },
    )
    // Of the thousand most still wait: in the order of asking, ten jobs behind them would have been the last.
    const [left] = await platform.superuser.query(
      `select count(*)::int as n from plinth.background_jobs where type = 'slow' and status in ('waiting', 'queued')`,
    )
    expect(Number(left?.['n'])).toBeGreaterThan(300)
    await platform.superuser.script(`delete from plinth.background_jobs where status in ('waiting', 'queued')`)
    await platform.settled()
    await empty()
  })

  test('a process that ends lets short work end and gives long work back', async () => {
    const short = await platform.enqueue(slow, { milliseconds: 200 })
    const long = await platform.enqueue(slow, { milliseconds: 60_000 })
    await vi.waitFor(async () => expect(await platform.rows(`status = 'running'`)).toHaveLength(2), { timeout: 10_000 })
    const feature = platform.plinth.registry.features.find(({ name }) => name === 'jobs')!
    await feature.stop!()
    const rows = await platform.rows()
    expect(rows.find((row) => row['id'] === short)).toMatchObject({ status: 'completed' })
    expect(rows.find((row) => row['id'] === long)).toMatchObject({ status: 'waiting', attempts: 0, worker: null })
    await platform.enqueue(writeNote, { title: 'not taken any more' })
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(await platform.titles()).toEqual(['slow'])
  })
})
