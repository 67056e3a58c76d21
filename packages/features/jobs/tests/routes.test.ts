import { defineJob } from '@plinth/core'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { observeJobs } from '../src/observe.ts'
import { jobPlatform, notes, writeNote, type JobPlatform } from './job-platform.ts'

let broken = false
let started: (() => void) | undefined
const ended: string[] = []

const fragile = defineJob({
  name: 'fragile',
  input: z.object({ word: z.string().default('none') }),
  requested: true,
  retry: { attempts: 1 },
  run: async (ctx, { word }) => {
    await ctx.create(notes, { title: word })
    if (broken) throw new Error('broken')
  },
})

/** Runs until it is told to end. */
const endless = defineJob({
  name: 'endless',
  input: z.object({}),
  outside: async (_input, job) => {
    job.progress(0.25, 'a quarter')
    started?.()
    await new Promise((_, reject) =>
      job.signal.addEventListener('abort', () => {
        const reason = job.signal.reason as Error
        ended.push(reason.message)
        reject(reason)
      }),
    )
  },
  run: async (ctx) => {
    await ctx.create(notes, { title: 'never' })
  },
})

let platform: JobPlatform
const heard: string[] = []

beforeAll(async () => {
  platform = await jobPlatform(
    [writeNote, fragile, endless],
    { mostDead: 50 },
    {
      actors: { looker: ['job:read'], asker: ['job:create'] },
      features: [
        {
          name: 'ears',
          on: {
            'job.completed': async (_context, event) =>
              void heard.push(`${event.type} ${(event.data as { type: string }).type}`),
            'job.failed': async (_context, event) =>
              void heard.push(`${event.type} ${(event.data as { type: string }).type}`),
          },
        },
      ],
    },
  )
})
afterEach(async () => {
  broken = false
  started = undefined
  await platform.settled()
  await platform.superuser.script('delete from plinth.background_jobs; delete from notes')
})
afterAll(() => platform.close())

const ask = (method: string, path: string, body?: unknown, who = 'full') =>
  platform.request(platform.a.actors[who], method, `/api/v1${path}`, body)

test('a job that may be asked for from outside is', async () => {
  const asked = await ask('POST', '/jobs', { type: 'fragile', input: { word: 'hi' } })
  expect(asked.status).toBe(202)
  const { id } = asked.json as { id: string }
  expect(asked.json).toMatchObject({ type: 'fragile', payload: { word: 'hi' }, principalId: 'a-full', progress: null })
  await platform.settled()
  const read = await ask('GET', `/jobs/${id}`)
  expect(read.json).toMatchObject({ status: 'completed', attempts: 1, progress: 1 })
  expect(read.body).not.toMatch(/delivery|lease|worker/)
  expect(await platform.titles()).toEqual(['hi'])
  await vi.waitFor(() => expect(heard).toContain('job.completed fragile'), { timeout: 5_000 })
})

test('another one is not, nor by somebody without the permission, nor with an input that it does not take', async () => {
  expect(await ask('POST', '/jobs', { type: 'note.write', input: { title: 'x' } })).toMatchObject({ status: 400 })
  expect(await ask('POST', '/jobs', { type: 'fragile', input: { word: 1 } })).toMatchObject({
    status: 400,
    json: { errors: [{ path: '/input/word' }] },
  })
  // As it is called where it is read: dropped without a word, the job would run with nothing.
  expect(await ask('POST', '/jobs', { type: 'fragile', payload: { word: 'lost' } })).toMatchObject({
    status: 400,
    json: { errors: [{ path: '/payload', code: 'unknown_field' }] },
  })
  const both = { type: 'fragile', at: '2030-01-01T00:00:00Z', delay: '1m' }
  expect(await ask('POST', '/jobs', both)).toMatchObject({ status: 400, json: { errors: [{ path: '/delay' }] } })
  expect(await ask('POST', '/jobs', { type: 'fragile', at: '2030-01-01' })).toMatchObject({
    status: 400,
    json: { errors: [{ path: '/at', message: 'Expected a time with its zone, as 2026-11-28T20:00:00Z' }] },
  })
  expect(await ask('POST', '/jobs', { type: 'fragile' }, 'looker')).toMatchObject({ status: 403 })
  expect(await platform.rows()).toEqual([])
})

test('whoever may read jobs sees what they were given only with a permission of its own', async () => {
  await ask('POST', '/jobs', { type: 'fragile', input: { word: 'private' } })
  await platform.settled()
  const page = await ask('GET', '/jobs', undefined, 'looker')
  expect(page.json).toMatchObject({ data: [{ type: 'fragile' }] })
  expect(page.body).not.toContain('private')
})

test('an idempotency key is its caller’s own: neither another one’s, nor the code’s', async () => {
  const post = (idempotencyKey: string, who = 'full') =>
    ask('POST', '/jobs', { type: 'fragile', delay: '1h', idempotencyKey }, who)
  const idOf = ({ json }: Awaited<ReturnType<typeof post>>) => (json as { id: string }).id
  const byCode = await platform.enqueue(fragile, {}, { delay: '1h', idempotencyKey: 'monthly' })
  const mine = idOf(await post('monthly'))
  expect(idOf(await post('monthly'))).toBe(mine)
  expect(new Set([byCode, mine, idOf(await post('monthly', 'asker'))]).size).toBe(3)
  await platform.superuser.script('delete from plinth.background_jobs')
})

test('of another tenant no job is seen, retried or cancelled', async () => {
  const id = await platform.enqueue(writeNote, { title: 'mine' }, { delay: '1h' })
  const other = (method: string, path: string) => platform.request(platform.b.actors.full, method, `/api/v1${path}`)
  expect((await other('GET', '/jobs')).json).toMatchObject({ data: [] })
  for (const path of [`/jobs/${id}/retry`, `/jobs/${id}/cancel`, `/dead-letters/${id}/redrive`])
    expect(await other('POST', path)).toMatchObject({ status: 404 })
  expect(await ask('POST', `/jobs/${id}/cancel`)).toMatchObject({ status: 200, json: { status: 'cancelled' } })
})

test('a dead job is a dead letter once; redriven and failing again it is there again', async () => {
  broken = true
  const { id } = (await ask('POST', '/jobs', { type: 'fragile' })).json as { id: string }
  const dead = () =>
    vi.waitFor(
      async () => {
        const page = await ask('GET', '/dead-letters')
        expect(page.json).toMatchObject({ data: [{ id, status: 'dead', error: 'Error: broken', attempts: 1 }] })
        expect((page.json as { data: unknown[] }).data).toHaveLength(1)
        // Not for everybody who sees that a job ran: any error of any code, and what was computed with the rights of another.
        const [seen] = ((await ask('GET', '/jobs?status=dead', undefined, 'looker')).json as { data: object[] }).data
        expect(Object.keys(seen!)).not.toEqual(expect.arrayContaining(['error']))
        expect(Object.keys(seen!)).not.toEqual(expect.arrayContaining(['result']))
      },
      { timeout: 5_000 },
    )
  await dead()
  expect(await ask('POST', `/dead-letters/${id}/redrive`, undefined, 'looker')).toMatchObject({ status: 403 })
  expect(await ask('POST', `/dead-letters/${id}/redrive`)).toMatchObject({
    status: 200,
    json: { status: 'waiting', attempts: 0 },
  })
  await dead()
  await vi.waitFor(() => expect(heard.filter((one) => one === 'job.failed fragile')).toHaveLength(2), {
    timeout: 5_000,
  })
  broken = false
  await ask('POST', `/dead-letters/${id}/redrive`)
  await platform.settled()
  expect((await ask('GET', '/dead-letters')).json).toMatchObject({ data: [] })
  expect(await ask('GET', `/dead-letters/${id}`)).toMatchObject({ status: 404 })
  expect(await ask('POST', `/dead-letters/${id}/discard`)).toMatchObject({ status: 404 })
  expect(await platform.titles()).toEqual(['none'])
})

test('a hundred who redrive one letter at once: one does', async () => {
  broken = true
  const { id } = (await ask('POST', '/jobs', { type: 'fragile' })).json as { id: string }
  await platform.settled()
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask('POST', `/dead-letters/${id}/redrive`)))
  await platform.settled()
  const won = answers.filter(({ status }) => status === 200).length
  const [row] = await platform.rows()
  // Each that won gave it one run, which failed: between two winners it was dead again.
  expect(won).toBeGreaterThanOrEqual(1)
  expect(row).toMatchObject({ status: 'dead', attempts: 1 })
  expect(answers.every(({ status }) => status === 200 || status === 404)).toBe(true)
})

test('a discarded letter is off the list and stays among the jobs', async () => {
  broken = true
  const { id } = (await ask('POST', '/jobs', { type: 'fragile' })).json as { id: string }
  await platform.settled()
  expect(await ask('POST', `/dead-letters/${id}/discard`)).toMatchObject({ status: 200 })
  expect((await ask('GET', '/dead-letters')).json).toMatchObject({ data: [] })
  expect(await ask('GET', `/jobs/${id}`)).toMatchObject({ json: { status: 'discarded' } })
})

test('a job says how far it is, and ends when it is cancelled', async () => {
  const begun = new Promise<void>((resolve) => (started = resolve))
  const id = await platform.enqueue(endless, {})
  await begun
  await vi.waitFor(
    async () =>
      expect((await ask('GET', `/jobs/${id}`)).json).toMatchObject({
        status: 'running',
        progress: 0.25,
        note: 'a quarter',
      }),
    { timeout: 5_000 },
  )
  expect(await ask('POST', `/jobs/${id}/cancel`)).toMatchObject({ status: 200, json: { status: 'cancelled' } })
  await vi.waitFor(() => expect(ended).toEqual(['It was cancelled, or given to another worker.']), { timeout: 5_000 })
  expect(await platform.titles()).toEqual([])
  expect(await ask('POST', `/jobs/${id}/cancel`)).toMatchObject({ status: 409 })
})

test('a job that waits to be tried again is tried now', async () => {
  const id = await platform.enqueue(writeNote, { title: 'soon' }, { delay: '1h' })
  expect(await ask('POST', `/jobs/${id}/retry`)).toMatchObject({ status: 200, json: { status: 'waiting' } })
  await platform.settled()
  expect(await platform.titles()).toEqual(['soon'])
  expect(await ask('POST', `/jobs/${id}/retry`)).toMatchObject({ status: 409 })
})

test('health says so when nobody runs what is due, and the numbers are those of the table', async () => {
  const { checks = [], metrics = [] } = observeJobs({ ...platform, registry: platform.plinth.registry })
  const [workers] = checks
  const look = (): Promise<void> => workers!.check(AbortSignal.timeout(5_000))
  const numbers = async (name: string) =>
    (await metrics.find((one) => one.name === name)!.read()).map(({ labels, value }) => [labels?.['status'], value])
  await platform.superuser.script('delete from plinth.background_jobs')
  await look()
  await platform.enqueue(writeNote, { title: 'left' }, { delay: '1h' })
  expect(await numbers('plinth_jobs')).toEqual([['scheduled', 1]])
  expect(await numbers('plinth_job_workers')).toEqual([[undefined, 1]])
  // As a job is that the mover handed over, and no worker took.
  await platform.superuser.query(
    `update plinth.background_jobs set status = 'queued', delivery = gen_random_uuid(),
       run_at = $1::text::timestamptz - interval '90 seconds'`,
    [platform.clock.now().toISOString()],
  )
  await expect(look()).rejects.toThrow('waited for 90 seconds')
  expect(await numbers('plinth_jobs_oldest_seconds')).toEqual([[undefined, expect.closeTo(90, -1)]])
  await platform.superuser.script('delete from plinth.background_jobs')
})

test('a job has the trace of the request that asked, and its log lines too', async () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  broken = true
  for (const given of [traceparent, '00-no-trace-01']) {
    const body = { type: 'fragile', input: { word: 'x' } }
    const asked = await platform.request(platform.a.actors['full'], 'POST', '/api/v1/jobs', body, {
      traceparent: given,
    })
    expect(asked.status).toBe(202)
  }
  await platform.settled()
  const rows = await platform.rows()
  expect(rows.map((row) => row['traceparent'])).toEqual([traceparent, null])
  const lines = platform.log.of('job_dead').filter(({ fields }) => fields['jobId'] === rows[0]!['id'])
  expect(lines).toMatchObject([{ fields: { traceId: '4bf92f3577b34da6a3ce929d0e0e4736' } }])
})

test('of dead jobs the newest of a tenant are kept, and each for its time', async () => {
  const feature = platform.plinth.registry.features.find(({ name }) => name === 'jobs')!
  const insert = `insert into plinth.background_jobs (tenant_id, id, type, payload, status, max_attempts, run_at, created_at,
    finished_at, principal_kind, principal_id, second_factor, request_id)
    select $1::uuid, gen_random_uuid(), 'fragile', to_json(n), $2::text, 1, now(), at, at, 'system', 'system', true, 'seed'
    from (select n, $3::text::timestamptz - make_interval(days => n) as at from generate_series(1, 100) n) made`
  const now = platform.clock.now()
  for (const status of ['dead', 'completed'])
    await platform.superuser.query(insert, [platform.a.id, status, now.toISOString()])
  const sweep = () =>
    platform.database.system(async (system) => {
      for (const step of feature.sweep!(now)) if (typeof step !== 'function') await system.run(step)
    })
  await sweep()
  const left = async (status: string) =>
    (await platform.rows(`status = '${status}'`)).map((row) => Number(row['payload']))
  expect(await left('completed')).toEqual([1, 2, 3, 4, 5, 6, 7])
  // Ninety days, and no more than fifty.
  expect((await left('dead')).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, at) => at + 1))
})
