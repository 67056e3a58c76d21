import { defineJob, type EnqueueOptions } from '@plinth/core'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { jobPlatform, note, notes, type JobPlatform } from './job-platform.ts'

/* Jobs that share a transaction: all or none, and what is wrong with one is that one's alone. */

const runs: string[] = []
let meanwhile: (title: string) => Promise<void> = () => Promise.resolve()

const small = defineJob({
  name: 'small',
  input: z.object({ title: z.string() }),
  together: 10,
  retry: { attempts: 1 },
  run: async (ctx, { title }, job) => {
    runs.push(title)
    await ctx.create(notes, { title: `${title} of ${ctx.requestId}` })
    await meanwhile(title)
    if (title === 'bad') throw new Error('not this one')
    return job.id
  },
})
const single = defineJob({
  name: 'single',
  input: z.object({ title: z.string() }),
  run: (ctx, { title }) => ctx.create(notes, { title }),
})

let platform: JobPlatform
beforeAll(async () => {
  const ears = {
    name: 'ears',
    on: { 'job.completed': () => Promise.resolve(), 'note.created': () => Promise.resolve() },
  }
  platform = await jobPlatform([small, single], { concurrency: 2 }, { resources: [note], features: [ears] })
})
afterAll(() => platform.close())
beforeEach(async () => {
  await platform.superuser.script('delete from plinth.background_jobs; delete from notes')
  runs.length = 0
  meanwhile = () => Promise.resolve()
})

const ask = (
  titles: readonly string[],
  tenant: 'a' | 'b' = 'a',
  options: EnqueueOptions = {},
): Promise<readonly string[]> =>
  platform.plinth.as(platform.principal(tenant), platform[tenant].slug, async (ctx) => {
    const ids: string[] = []
    for (const title of titles) ids.push((await ctx.enqueue(small, { title }, options)).id)
    return ids
  })
/** Takes both places, so that what is asked for next waits. */
async function busy(): Promise<() => void> {
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  meanwhile = () => held
  await ask(['busy'])
  await ask(['busy'], 'b')
  await vi.waitFor(() => expect(runs).toHaveLength(2), { timeout: 10_000 })
  return release
}
const numbered = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `n${at}`)
const sortedTitles = async (): Promise<readonly string[]> =>
  (await platform.titles()).map((title) => String(title).split(' ')[0]!).toSorted((a, b) => (a < b ? -1 : 1))
/** Of each transaction, how many rows it wrote. */
const transactions = async (): Promise<readonly number[]> => {
  const rows = await platform.superuser.query('select count(*)::int as n from notes group by xmin::text')
  return rows.map((row) => Number(row['n']))
}

test('forty that wait share a few transactions, never more than ten one, and each is done once with its own result', async () => {
  const ids = await ask(numbered(40))
  await platform.settled()
  const shared = await transactions()
  expect(shared.reduce((sum, n) => sum + n, 0)).toBe(40)
  expect(Math.max(...shared)).toBeGreaterThan(1)
  expect(Math.max(...shared)).toBeLessThanOrEqual(10)
  const rows = await platform.rows()
  expect(rows.map((row) => [row['status'], row['attempts'], JSON.parse(String(row['result']))])).toEqual(
    ids.map((id) => ['completed', 1, id]),
  )
})

test('one that fails dies by itself, in its one attempt; the others are done, once', async () => {
  await ask(['n0', 'n1', 'bad', 'n2', 'n3'])
  await platform.settled()
  const rows = await platform.rows()
  expect(rows.map((row) => [row['status'], row['attempts'], row['error']])).toEqual([
    ['completed', 1, null],
    ['completed', 1, null],
    ['dead', 1, 'Error: not this one'],
    ['completed', 1, null],
    ['completed', 1, null],
  ])
  expect(await sortedTitles()).toEqual(['n0', 'n1', 'n2', 'n3'])
})

test('each runs on the account of the request that asked for it', async () => {
  for (const title of numbered(6)) await ask([title], 'a', { delay: '1h' })
  // All at once, so that they share one.
  await platform.superuser.script(`update plinth.background_jobs set status = 'waiting'`)
  await platform.settled()
  expect(Math.max(...(await transactions()))).toBeGreaterThan(1)
  const asked = (await platform.rows()).map((row) => String(row['request_id']))
  expect(new Set(asked).size).toBe(6)
  expect(new Set(await platform.titles())).toEqual(new Set(asked.map((requestId, at) => `n${at} of ${requestId}`)))
  const recorded = await platform.superuser.query(`
    select e.type, count(*)::int as n from plinth.events e
    join plinth.background_jobs j on j.request_id = e.request_id
    left join notes n on n.title like '%' || j.request_id and n.id::text = e.data ->> 'id'
    where e.type = 'job.completed' and e.data ->> 'id' = j.id::text or e.type = 'note.created' and n.id is not null
    group by 1 order by 1`)
  expect(recorded).toEqual([
    { type: 'job.completed', n: 6 },
    { type: 'note.created', n: 6 },
  ])
})

test('cancelled while it runs beside others, it alone is not done', async () => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  meanwhile = (title) => (title === 'n0' ? held : Promise.resolve())
  const ids = await ask(numbered(6))
  await vi.waitFor(() => expect(runs).toContain('n0'), { timeout: 10_000 })
  const cancelled = await platform.request(platform.a.actors.full, 'POST', `/api/v1/jobs/${ids[1]}/cancel`)
  expect(cancelled.status).toBe(200)
  release()
  await platform.settled()
  expect((await platform.rows()).map((row) => row['status'])).toEqual([
    'completed',
    'cancelled',
    'completed',
    'completed',
    'completed',
    'completed',
  ])
  expect(await sortedTitles()).toEqual(['n0', 'n2', 'n3', 'n4', 'n5'])
})

test('whose signature is none is dead, and its neighbours are done', async () => {
  const release = await busy()
  const [, forged] = await ask(['n0', 'n1', 'n2'])
  await platform.superuser.query(`update plinth.background_jobs set input_seal = 'another' where id = '${forged}'`)
  release()
  await platform.settled()
  const rows = await platform.rows(`tenant_id = '${platform.a.id}' and payload->>'title' <> 'busy'`)
  expect(rows.map((row) => row['status'])).toEqual(['completed', 'dead', 'completed'])
})

test('tenants share no transaction', async () => {
  const release = await busy()
  // Enough of them that what the busy ones took is forgotten, and a process takes more than one of each tenant ahead.
  await ask(numbered(60))
  await ask(numbered(60), 'b')
  release()
  await platform.settled()
  const mixed = await platform.superuser.query(
    'select xmin::text from notes group by 1 having count(distinct tenant_id) > 1',
  )
  expect(mixed).toEqual([])
})
