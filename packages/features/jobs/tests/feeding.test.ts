import { defineJob, type Feature, type Platform } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { Feeder } from '../src/mover/feeder.ts'
import type { Claimed } from '../src/worker/claim.ts'
import { settle } from '../src/options.ts'
import { Queue } from '../src/queue/queue.ts'
import { Worker } from '../src/worker/worker.ts'
import { jobPlatform, note, quick, writeNote, type JobPlatform } from './job-platform.ts'

/* Whoever leads and runs jobs gives them to itself, as long as nobody else is there to take them. */

let { promise: held, resolve: release } = Promise.withResolvers<void>()
const waits = defineJob({ name: 'waits', input: z.object({}), outside: () => held, run: () => undefined })

let inner: Platform
let platform: JobPlatform
beforeAll(async () => {
  const inside: Feature = { name: 'test-inside', start: (given) => void (inner = given) }
  platform = await jobPlatform([waits, writeNote], { concurrency: 1 }, { resources: [note], features: [inside] })
})
afterAll(() => platform.close())

const statuses = async (): Promise<readonly unknown[]> => (await platform.rows()).map(({ status }) => status)
const empty = (): Promise<void> => platform.superuser.script('delete from plinth.background_jobs; delete from notes')

describe('one worker', () => {
  test('what has no place yet waits where its turn is not decided', async () => {
    for (let at = 0; at < 5; at += 1) await platform.enqueue(waits, {})
    await vi.waitFor(async () => expect(await statuses()).toContain('running'))
    await new Promise((resolve) => setTimeout(resolve, 100))
    // One runs, and one may be taken ahead of it.
    expect((await statuses()).filter((status) => status === 'waiting').length).toBeGreaterThanOrEqual(3)
    expect(await statuses()).not.toContain('queued')
    release()
    await platform.settled()
    await empty()
    ;({ promise: held, resolve: release } = Promise.withResolvers<void>())
  })

  test('says that it is there, and needs no queue', async () => {
    await vi.waitFor(async () =>
      expect(await platform.superuser.query('select worker from plinth.job_workers')).toHaveLength(1),
    )
    await platform.superuser.script(`
      create function pg_temp_refuse() returns trigger language plpgsql as $$ begin raise exception 'into the queue'; end $$;
      create trigger refuse before insert on plinth_queue.job for each row execute function pg_temp_refuse()`)
    try {
      await platform.plinth.as(platform.principal(), platform.a.slug, async (ctx) => {
        for (let at = 0; at < 60; at += 1) await ctx.enqueue(writeNote, { title: `${at}` })
      })
      await platform.settled()
      expect(await platform.titles()).toHaveLength(60)
      expect(platform.log.text()).not.toContain('into the queue')
    } finally {
      await platform.superuser.script('drop trigger refuse on plinth_queue.job; drop function pg_temp_refuse()')
    }
    await empty()
  })
})

describe('another one comes', () => {
  test('from then on jobs go by the queue, and both take them; it ends, and the first has them all again', async () => {
    const queue = new Queue(inner.database)
    const settings = settle({ ...quick, concurrency: 1 }, [])
    const other = new Worker({ platform: inner, queue, settings, onDone: () => undefined, onRoom: () => other.poke() })
    other.start()
    try {
      await vi.waitFor(async () =>
        expect(await platform.superuser.query('select worker from plinth.job_workers')).toHaveLength(2),
      )
      await vi.waitFor(async () => {
        await platform.enqueue(waits, {})
        const workers = (await platform.rows(`status = 'running'`)).map(({ worker }) => worker)
        expect(new Set(workers).size).toBe(2)
      })
      await vi.waitFor(async () => expect(await statuses()).toContain('queued'))
      release()
      await platform.settled()
      await empty()
      await other.stop()
      expect(await platform.superuser.query('select worker from plinth.job_workers')).toHaveLength(1)
      for (let at = 0; at < 5; at += 1) await platform.enqueue(writeNote, { title: `${at}` })
      await platform.settled()
      expect(await platform.titles()).toHaveLength(5)
    } finally {
      await other.stop()
      await queue.close()
      await empty()
    }
  })

  test('one that is gone without a word is no longer counted on', async () => {
    await platform.superuser.query(
      `insert into plinth.job_workers (worker, seen_at) values ('gone', clock_timestamp() - interval '20 seconds')`,
    )
    const worker = { name: 'me', room: () => ({ some: 1, first: 1 }) } as Worker
    const alone = (): Promise<unknown> =>
      new Feeder({ platform: inner, settings: { window: 1 } as never, here: () => worker }).onlyWorker()
    await platform.superuser.query(`delete from plinth.job_workers where worker <> 'gone'`)
    expect(await alone()).toBe(worker)
    await platform.superuser.query(`update plinth.job_workers set seen_at = clock_timestamp()`)
    expect(await alone()).toBeUndefined()
    await platform.superuser.query(`delete from plinth.job_workers`)
  })
})

test('of three hundred tenants with more than is ever done, each has its turn before any has had many', async () => {
  const feature = platform.plinth.registry.features.find(({ name }) => name === 'jobs')!
  await feature.stop!()
  await platform.superuser.script(`
    insert into plinth.tenants (id, slug, name, status)
    select gen_random_uuid(), 'turn-' || n, 'Turn', 'active' from generate_series(1, 300) n;
    insert into plinth.background_jobs (tenant_id, id, type, payload, status, max_attempts, run_at, principal_kind, principal_id,
      second_factor, request_id)
    select t.id, gen_random_uuid(), 'waits', '{}', 'waiting', 1, now(), 'system', 'system', true, 'seed'
    from plinth.tenants t, generate_series(1, 40) n where t.slug like 'turn-%'`)
  const feeder = new Feeder({
    platform: inner,
    settings: settle({ ...quick, lease: '60s' }, []),
    here: () => undefined,
  })
  const served = new Map<string, number>()
  const worker = {
    name: 'counting',
    room: () => ({ some: 10, first: 10 }),
    accept: (claimed: readonly Claimed[]) => {
      for (const { tenantId } of claimed) served.set(tenantId, (served.get(tenantId) ?? 0) + 1)
    },
  } as unknown as Worker
  for (let step = 0; step < 60; step += 1) {
    await feeder.feed(worker, () => Promise.resolve())
    // Each is done at once: nothing of the tenant is on its way when the next is chosen.
    await platform.superuser.query(`update plinth.background_jobs set status = 'completed' where status = 'running'`)
  }
  expect(served.size).toBe(300)
  expect(Math.max(...served.values())).toBeLessThanOrEqual(4)
})
