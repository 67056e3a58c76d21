import { defineJob, type Job } from '@plinth/core'
import { capturedLog } from '@plinth/testing'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { Ending } from '../src/worker/ending.ts'
import { within } from '../src/worker/run-job.ts'
import { jobPlatform, note, notes, type JobPlatform } from './job-platform.ts'

/* What goes wrong with one of several that share a transaction is none of the others' business. */

const runs: string[] = []
const log = capturedLog({ least: 'info' })
let row = ''
let held: () => Promise<void> = () => Promise.resolve()

const count = defineJob({
  name: 'note.count',
  input: z.object({ title: z.string() }),
  together: 10,
  timeout: '1s',
  retry: { attempts: 1 },
  run: async (ctx, { title }) => {
    runs.push(title)
    // The same row for all: whoever holds it is waited for.
    await ctx.update(notes, row, { title })
    if (title === 'hangs') await new Promise(() => undefined)
  },
})
const small = defineJob({
  name: 'note.small',
  input: z.object({ title: z.string() }),
  together: 10,
  retry: { attempts: 1 },
  run: async (ctx, { title }) => {
    runs.push(title)
    await ctx.create(notes, { title })
    await held()
    if (title.startsWith('either') && title === runs[0]) throw new Error('not this one')
  },
})

let platform: JobPlatform
beforeAll(async () => {
  platform = await jobPlatform([count, small], { concurrency: 2 }, { resources: [note], plinth: { log } })
})
afterAll(() => platform.close())
beforeEach(async () => {
  await platform.superuser.script('delete from plinth.background_jobs; delete from notes')
  runs.length = 0
  held = () => Promise.resolve()
})

const ask = (job: Job<{ title: string }>, titles: readonly string[], tenant: 'a' | 'b' = 'a'): Promise<void> =>
  platform.plinth.as(platform.principal(tenant), platform[tenant].slug, async (ctx) => {
    for (const title of titles) await ctx.enqueue(job, { title })
  })
const states = async (): Promise<readonly (readonly unknown[])[]> =>
  (await platform.rows()).map((job) => [JSON.parse(String(job['payload']))['title'], job['status'], job['error']])

test('one that never ends, and heeds no signal, keeps no lock from its neighbours', async () => {
  row = await platform.plinth.as(
    platform.principal(),
    platform.a.slug,
    async (ctx) => (await ctx.create(notes, { title: 'counted' })).id,
  )
  await ask(count, ['first', 'hangs'])
  await platform.settled()
  await ask(count, ['after'])
  await platform.settled()
  expect(await states()).toEqual([
    ['first', 'completed', null],
    ['hangs', 'dead', 'Error: It took longer than 1 seconds.'],
    ['after', 'completed', null],
  ])
  // The two did share one, and that it came to nothing can be seen.
  expect(runs.filter((title) => title === 'hangs')).toHaveLength(2)
  expect(log.of('jobs_parted')).toEqual([
    {
      level: 'info',
      event: 'jobs_parted',
      fields: { job: 'note.count', tenantId: platform.a.id, jobs: 2, error: expect.any(Error) },
    },
  ])
})

test('of one nothing can be said; the others are done all the same', async () => {
  await platform.superuser.script(`
    create function refuse_words() returns trigger language plpgsql as $$ begin
      if new.error = 'Error: not this one' then raise exception 'not said'; end if;
      return new;
    end $$;
    create trigger refuse_words before update on plinth.background_jobs for each row execute function refuse_words()`)
  try {
    await ask(small, ['either', 'either or'])
    await platform.settled()
  } finally {
    await platform.superuser.script('drop function refuse_words() cascade')
  }
  // In the order in which they ran; the second beside the first, and by itself.
  const [bad, other] = [runs[0], runs[2]]
  expect(runs).toEqual([bad, bad, other])
  expect(new Map((await states()).map(([title, ...state]) => [title, state]))).toEqual(
    new Map([
      [bad, ['dead', 'The process that ran it is gone.']],
      [other, ['completed', null]],
    ]),
  )
})

test('what was begun before has a transaction of its own: it may be what ended the process', async () => {
  const { promise, resolve: release } = Promise.withResolvers<void>()
  held = () => promise
  await ask(small, ['busy'])
  await ask(small, ['busy'], 'b')
  await vi.waitFor(() => expect(runs).toHaveLength(2), { timeout: 10_000 })
  await ask(small, ['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7'])
  await platform.superuser.script(`
    update plinth.background_jobs set attempts = 1, max_attempts = 5 where status in ('waiting', 'queued')`)
  release()
  await platform.settled()
  const shared = await platform.superuser.query('select from notes group by xmin::text having count(*) > 1')
  expect(shared).toEqual([])
})

test('when the process ends, what shares a transaction goes back as if it had not begun', async () => {
  const ending = await jobPlatform([small], { concurrency: 2, grace: '1s' }, { resources: [note] })
  try {
    held = () => new Promise(() => undefined)
    await ending.plinth.as(ending.principal(), ending.a.slug, async (ctx) => {
      for (const title of ['n0', 'n1']) await ctx.enqueue(small, { title })
    })
    await vi.waitFor(() => expect(runs).not.toEqual([]), { timeout: 10_000 })
    // Two have begun, and one of them is at work: they share one.
    expect(await ending.rows(`status = 'running'`)).toHaveLength(2)
    expect(runs).toHaveLength(1)
    await ending.plinth.close()
    expect((await ending.rows()).map(({ status, attempts }) => [status, attempts])).toEqual([
      ['waiting', 0],
      ['waiting', 0],
    ])
    expect(await ending.titles()).toEqual([])
  } finally {
    await ending.close()
  }
})

test('whose connection is lost while the last one runs: all are done by themselves, and nothing is left that ends the process', async () => {
  const { promise, resolve: release } = Promise.withResolvers<void>()
  held = () => (runs.length === 2 ? promise : Promise.resolve())
  await ask(small, ['n0', 'n1'])
  await vi.waitFor(() => expect(runs).toHaveLength(2), { timeout: 10_000 })
  await platform.superuser.query(`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and state = 'idle in transaction' and query ilike '%notes%'`)
  await platform.settled()
  const unhandled: unknown[] = []
  const keep = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', keep)
  release()
  await new Promise((resolve) => setTimeout(resolve, 50))
  process.off('unhandledRejection', keep)
  expect(unhandled).toEqual([])
  expect((await states()).map(([, status]) => status)).toEqual(['completed', 'completed'])
})

test('ended before it began, it does not begin', async () => {
  const ending = new Ending()
  ending.end(new Error('cancelled'))
  const begun = vi.fn<() => Promise<void>>(() => new Promise(() => undefined))
  await expect(within(ending, small, begun)).rejects.toThrow('cancelled')
  expect(begun).not.toHaveBeenCalled()
})
