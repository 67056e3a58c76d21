import { defineJob } from '@plinth/core'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { jobPlatform, notes, placeKeeper, type JobPlatform } from './job-platform.ts'

/* How jobs end that share a transaction: by their time, by what becomes of one of them, and at COMMIT. */

const runs: string[] = []
const told: string[] = []
const waits = new Set<string>()
const listening = defineJob({
  name: 'listening',
  input: z.object({ title: z.string() }),
  together: 5,
  timeout: '2s',
  retry: { attempts: 1 },
  run: async (ctx, { title }, { signal }) => {
    runs.push(title)
    await ctx.create(notes, { title })
    if (!waits.has(title)) return
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => {
        told.push(`${title}: ${(signal.reason as Error).message}`)
        resolve()
      })
    })
  },
})

const atOnce = { now: 0, most: 0 }
const slowly = defineJob({
  name: 'slowly',
  input: z.object({ title: z.string() }),
  retry: { attempts: 1 },
  together: 4,
  run: async (ctx, { title }) => {
    const again = runs.includes(title)
    runs.push(title)
    atOnce.now += 1
    atOnce.most = Math.max(atOnce.most, atOnce.now)
    await ctx.create(notes, { title })
    // The one time quick, so that many follow, and the other one not.
    if (again) await new Promise((resolve) => setTimeout(resolve, 100))
    atOnce.now -= 1
  },
})

const { keep, meanwhile } = placeKeeper(2)
let platform: JobPlatform
beforeAll(async () => {
  platform = await jobPlatform([listening, slowly, keep], { concurrency: 2 })
})
afterAll(() => platform.close())
beforeEach(async () => {
  await platform.superuser.script('delete from plinth.background_jobs; delete from notes')
  runs.length = 0
  told.length = 0
  waits.clear()
})

const ask = (titles: readonly string[], job: typeof listening = listening): Promise<readonly string[]> =>
  meanwhile(platform, () =>
    platform.plinth.as(platform.principal(), platform.a.slug, (ctx) =>
      Promise.all(titles.map(async (title) => (await ctx.enqueue(job, { title })).id)),
    ),
  )
const ends = async (): Promise<readonly unknown[]> =>
  (await platform.rows(`type <> 'keep'`)).map((row) => row['status'])

test('it tells when the time of all is over, and of one by itself when his is', async () => {
  waits.add('second')
  await ask(['first', 'second'])
  await platform.settled()
  const late = 'second: It took longer than 2 seconds.'
  expect([runs, told]).toEqual([
    ['first', 'second', 'first', 'second'],
    [late, late],
  ])
  expect(await ends()).toEqual(['completed', 'dead'])
  expect(await platform.titles()).toEqual(['first'])
})

test('it tells when one is cancelled that has run already: the other one is done by himself', async () => {
  waits.add('second')
  const [first] = await ask(['first', 'second'])
  await vi.waitFor(() => expect(runs).toEqual(['first', 'second']), { timeout: 10_000 })
  waits.clear()
  const answer = await platform.request(platform.a.actors.full, 'POST', `/api/v1/jobs/${first}/cancel`)
  expect(answer.status).toBe(200)
  await platform.settled()
  expect(told).toEqual(['second: It was cancelled, or given to another worker.'])
  expect(runs).toEqual(['first', 'second', 'second'])
  expect(await ends()).toEqual(['cancelled', 'completed'])
  expect(await platform.titles()).toEqual(['second'])
})

test('where their COMMIT is refused each is done by itself, and there is no more at once than there are places', async () => {
  await platform.superuser.script(`
    create function judge() returns trigger language plpgsql as $$
    begin
      if new.title like 'refused%' then raise exception 'not at COMMIT'; end if;
      return null;
    end $$;
    create constraint trigger judged after insert on notes deferrable initially deferred for each row execute function judge()`)
  const titles = Array.from({ length: 40 }, (_, at) => (at % 4 === 1 ? `refused ${at}` : `kept ${at}`))
  await ask(titles, slowly)
  await platform.settled()
  expect(await ends()).toEqual(titles.map((title) => (title.startsWith('kept') ? 'completed' : 'dead')))
  // Some did share one.
  expect(runs.length).toBeGreaterThan(titles.length)
  // Beside two that have a place, those two that had one when their COMMIT was refused.
  expect(atOnce.most).toBeLessThanOrEqual(4)
})
