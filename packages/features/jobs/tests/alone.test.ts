import { defineJob, type Feature, type Platform } from '@plinth/core'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { giveBackMissing } from '../src/mover/give-back.ts'
import { settle } from '../src/options.ts'
import { Line } from '../src/queue/line.ts'
import { Queue } from '../src/queue/queue.ts'
import { Supply } from '../src/queue/supply.ts'
import { countWorkers } from '../src/worker/presence.ts'
import { Worker } from '../src/worker/worker.ts'
import { jobPlatform, note, quick, writeNote, type JobPlatform } from './job-platform.ts'

/* Whoever leads and runs jobs hands them to itself, as long as nobody else is there to take them. */

let held = Promise.withResolvers<void>()
const order: string[] = []
const waits = defineJob({
  name: 'waits',
  input: z.object({ name: z.string().default('') }),
  key: ({ name }) => (name === 'keyed' ? name : undefined),
  outside: async ({ name }) => {
    order.push(name)
    await held.promise
  },
  run: () => undefined,
})

let inner: Platform
let platform: JobPlatform
const open = async (company = false, lease = '2s', window = 250): Promise<void> => {
  const inside: Feature = { name: 'test-inside', start: (given) => void (inner = given) }
  const more = { resources: [note], features: [inside], company }
  platform = await jobPlatform([waits, writeNote], { concurrency: 1, lease, window }, more)
}
beforeAll(() => {
  held = Promise.withResolvers()
})
afterEach(async () => {
  held.resolve()
  await platform.close()
  held = Promise.withResolvers()
  order.length = 0
})

const statuses = async (): Promise<readonly unknown[]> => (await platform.rows()).map(({ status }) => status)
const workers = () => platform.superuser.query('select worker from plinth.job_workers')
const inQueue = () => platform.superuser.query('select id from plinth_queue.job')

test('the only worker says that it is there, and needs no queue', async () => {
  await open()
  await vi.waitFor(async () => expect(await workers()).toHaveLength(1))
  await platform.superuser.script(`
    create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'into the queue'; end $$;
    create trigger refuse before insert on plinth_queue.job for each row execute function public.refuse()`)
  await platform.plinth.as(platform.principal(), platform.a.slug, (ctx) =>
    Promise.all(Array.from({ length: 600 }, (_, at) => ctx.enqueue(writeNote, { title: `${at}` }))),
  )
  await platform.settled()
  expect(await platform.titles()).toHaveLength(600)
  expect(platform.log.text()).not.toContain('into the queue')
})

const askFor = (names: readonly string[]) =>
  platform.plinth.as(platform.principal(), platform.a.slug, (ctx) =>
    Promise.all(names.map((name) => ctx.enqueue(waits, { name }))),
  )
const numbered = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `${at}`)

test('what lies in the line says that it waits, is begun once, and is passed by no more than a window of others', async () => {
  await open()
  await askFor(['first', 'keyed', ...numbered(900)])
  await vi.waitFor(async () => expect(await statuses()).toContain('queued'))
  const marked = await platform.rows(`status = 'queued'`)
  expect(marked.map(({ key }) => key)).toEqual(['keyed'])
  expect((await platform.rows(`status = 'waiting'`)).length).toBeGreaterThan(200)
  held.resolve()
  await platform.settled()
  expect(order).toHaveLength(902)
  expect(Math.max(...order.map((name, at) => at - Number(name)).filter((late) => !Number.isNaN(late)))).toBeLessThan(
    250,
  )
  expect(await platform.rows('attempts <> 1')).toEqual([])
})

test('of more than a thousand in the line the rest is marked, so that no look is told of more', async () => {
  await open(false, '10s', 5_000)
  await askFor(numbered(1_700))
  await vi.waitFor(async () => expect(await platform.rows(`status = 'queued'`)).toHaveLength(700), { timeout: 10_000 })
  held.resolve()
  await platform.settled()
  expect(order.toSorted((left, right) => Number(left) - Number(right))).toEqual(numbered(1_700))
  expect(await platform.rows('attempts <> 1')).toEqual([])
})

test('another one comes, and takes what lay in the line of the first; it ends, and the first has them all again', async () => {
  await open()
  for (let at = 0; at < 20; at += 1) await platform.enqueue(waits, at === 5 ? { name: 'keyed' } : {})
  // Of those in the line, one on which the turn of others depends.
  await vi.waitFor(async () => expect(await statuses()).toContain('queued'))
  expect(await inQueue()).toEqual([])
  const queue = new Queue(inner.database)
  const settings = settle({ ...quick, concurrency: 1 }, [])
  const supply = new Supply({ queue, line: new Line() })
  const other = new Worker({ platform: inner, queue, settings, supply, onDone: () => undefined })
  other.start()
  await vi.waitFor(async () => {
    const running = (await platform.rows(`status = 'running'`)).map(({ worker }) => worker)
    expect(new Set(running).size).toBe(2)
  })
  held.resolve()
  await platform.settled()
  await other.stop()
  await queue.close()
  expect(await workers()).toHaveLength(1)
  for (let at = 0; at < 5; at += 1) await platform.enqueue(writeNote, { title: `${at}` })
  await platform.settled()
  expect(await platform.titles()).toHaveLength(5)
})

test('what went by the queue before is done before what came later', async () => {
  await open(true)
  for (let at = 0; at < 10; at += 1) await platform.enqueue(waits, { name: `old ${at}` })
  await vi.waitFor(async () => expect(await statuses()).not.toContain('waiting'))
  await platform.superuser.query(`delete from plinth.job_workers where worker = 'idle'`)
  // It is noticed in half a second.
  await new Promise((resolve) => setTimeout(resolve, 700))
  for (let at = 0; at < 200; at += 1) await platform.enqueue(waits, { name: `new ${at}` })
  held.resolve()
  await platform.settled()
  expect(order.slice(0, 10).filter((name) => name.startsWith('old'))).toHaveLength(10)
})

test('what another one had fetched when it was killed is found when it is no longer counted on', async () => {
  await open(true)
  await platform.enqueue(waits, { name: 'one' })
  await vi.waitFor(async () => expect(await statuses()).toEqual(['running']))
  await platform.enqueue(waits, { name: 'fetched' })
  const queue = new Queue(inner.database)
  await vi.waitFor(async () => expect(await queue.take(5)).toHaveLength(1))
  await platform.superuser.query(`delete from plinth.job_workers where worker = 'idle'`)
  await new Promise((resolve) => setTimeout(resolve, 700))
  held.resolve()
  // Its lease is two seconds, and so is how long it is waited for.
  await platform.settled()
  expect(order).toEqual(['one', 'fetched'])
  await queue.close()
})

test('nobody’s first job waits for what is left of others in the queue', async () => {
  await open(true)
  for (let at = 0; at < 40; at += 1) await platform.enqueue(waits, { name: `old ${at}` })
  await vi.waitFor(async () => expect(await statuses()).not.toContain('waiting'))
  await platform.superuser.query(`delete from plinth.job_workers where worker = 'idle'`)
  await new Promise((resolve) => setTimeout(resolve, 700))
  await platform.plinth.as(platform.principal('b'), platform.b.slug, (ctx) => ctx.enqueue(waits, { name: 'first' }))
  held.resolve()
  await platform.settled()
  // Of those that were taken ahead already it is behind.
  expect(order.indexOf('first')).toBeLessThan(10)
})

test('what lies in the line of a process that ends waits for the next one, as if nothing had been', async () => {
  await open()
  for (let at = 0; at < 10; at += 1) await platform.enqueue(waits, at === 5 ? { name: 'keyed' } : {})
  await vi.waitFor(async () => expect(await statuses()).toContain('queued'))
  const feature = platform.plinth.registry.features.find(({ name }) => name === 'jobs')!
  const stopping = feature.stop!()
  held.resolve()
  await stopping
  const rows = await platform.rows(`status <> 'completed'`)
  expect(rows.length).toBeGreaterThan(0)
  expect(rows.map(({ status, attempts }) => [status, attempts])).toEqual(rows.map(() => ['waiting', 0]))
  expect(await workers()).toEqual([])
})

test('that nobody can be told of a worker costs no job its lease', async () => {
  await open()
  await platform.superuser.query('revoke insert, update on plinth.job_workers from plinth_system')
  await platform.enqueue(waits, {})
  await vi.waitFor(async () => expect(await statuses()).toEqual(['running']))
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  held.resolve()
  await platform.settled()
  expect(await platform.rows()).toMatchObject([{ status: 'completed', attempts: 1 }])
})

describe('nobody runs here', () => {
  const still = async (): Promise<void> => {
    await open()
    await platform.plinth.registry.features.find(({ name }) => name === 'jobs')!.stop!()
  }

  test('one that is gone without a word is no longer counted on', async () => {
    await still()
    const others = (): Promise<number> => countWorkers(inner.database, 'me')
    await platform.superuser.query(
      `insert into plinth.job_workers (worker, seen_at) values ('me', now()), ('gone', clock_timestamp() - interval '20 seconds')`,
    )
    expect(await others()).toBe(0)
    await platform.superuser.query(`update plinth.job_workers set seen_at = clock_timestamp()`)
    expect(await others()).toBe(1)
  })

  test('what was handed over and is nowhere waits again, behind a thousand that are somewhere', async () => {
    await still()
    const line = new Line()
    await platform.superuser.query(
      `insert into plinth.background_jobs (tenant_id, id, type, payload, status, max_attempts, run_at, principal_kind, principal_id,
         second_factor, request_id, queued_at)
       select $1::uuid, gen_random_uuid(), 'waits', '{}', 'queued', 1, now(), 'system', 'system', true, 'seed',
         now() - interval '1 hour' + n * interval '1 second' from generate_series(1, 1203) n`,
      [platform.a.id],
    )
    const rows = await platform.rows()
    const queue = new Queue(inner.database)
    const parcels = rows.map((row) => ({
      delivery: String(row['delivery']),
      id: String(row['id']),
      tenantId: platform.a.id,
      priority: -1,
    }))
    line.add(parcels.slice(0, 400))
    await queue.ready()
    await queue.hand(inner.database, parcels.slice(400, 1200))
    expect(await giveBackMissing(inner.database, { queue, line }, new Date())).toBe(3)
    const again = await platform.rows(`status = 'waiting'`)
    expect(again.map(({ id }) => id)).toEqual(parcels.slice(1200).map(({ id }) => id))
    expect(again.map(({ delivery }) => delivery)).not.toContain(parcels[1200]!.delivery)
    expect(await giveBackMissing(inner.database, { queue, line }, new Date())).toBe(0)
    await queue.close()
  })
})
