import { defineJob, defineResource, eventOf, on, resourceTable, type Feature, type Platform } from '@plinth/core'
import { text } from 'drizzle-orm/pg-core'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { queueStatuses, rowQueue } from '../src/index.ts'
import { forgetDead } from '../src/mover/forget-dead.ts'
import { jobPlatform, type JobPlatform, note, notes, sweepJobs } from './job-platform.ts'

/* A row with a queue: what its status says is what its jobs are, whoever comes at once. */

const robots = resourceTable('robots', { status: text({ enum: queueStatuses }).notNull().default('idle') })
const queue = rowQueue(robots, 'robot')

let gate: Promise<void> = Promise.resolve()
let failing = false
const work = defineJob({
  name: 'robot.work',
  input: z.object({ robotId: z.uuid(), title: z.string() }),
  retry: { attempts: 1 },
  key: ({ robotId }) => queue.keyOf(robotId),
  outside: () => gate,
  run: async (ctx, { title }) => {
    if (failing) throw new Error('It jammed')
    await ctx.create(notes, { title })
  },
})
const stray = defineJob({ name: 'stray', input: z.object({}), run: () => undefined })

const robot = defineResource({
  table: robots,
  fields: { status: { readOnly: true, filter: true } },
  actions: {
    command: {
      input: z.object({ title: z.string(), as: z.string().optional() }),
      output: z.object({ status: z.string(), waiting: z.int(), running: z.int(), dead: z.int() }),
      run: (ctx, { id: robotId }, { title, as }) =>
        queue.put(ctx, robotId, work, { robotId, title }, { most: 100, ...(as !== undefined && { as }) }),
    },
    stray: { run: (ctx, row) => queue.put(ctx, row.id, stray, {}) },
  },
})

/** Every status that a robot was given by its queue, in the order of their commits. */
const told: string[] = []
let platform: JobPlatform
let inner: Platform
const inside: Feature = { name: 'test-inside', start: (given) => void (inner = given) }
beforeAll(async () => {
  platform = await jobPlatform(
    [work, stray],
    {},
    {
      resources: [note, robot],
      features: [inside],
      plinth: {
        handlers: [
          ...queue.handlers,
          on(eventOf(robots, 'updated'), 'watch', (_ctx, { data }) => Promise.resolve(void told.push(data.status!))),
        ],
      },
    },
  )
})
afterEach(async () => {
  gate = Promise.resolve()
  failing = false
  await platform.settled()
  await platform.superuser.script('delete from plinth.background_jobs; delete from notes')
  told.length = 0
})
afterAll(() => platform.close())

const ask = (method: string, path: string, body?: unknown, tenant: 'a' | 'b' = 'a') =>
  platform.request(platform[tenant].actors.full, method, `/api/v1/${path}`, body)
const make = async (): Promise<string> => String(((await ask('POST', 'robots', {})).json as { id: string }).id)
const command = (id: string, title = 'x', more: object = {}) => ask('POST', `robots/${id}/command`, { title, ...more })
const statusOf = async (id: string): Promise<unknown> =>
  ((await ask('GET', `robots/${id}`)).json as { status: string }).status
const becomes = (id: string, status: string): Promise<void> =>
  vi.waitFor(async () => expect(await statusOf(id)).toBe(status), { timeout: 20_000, interval: 20 })

test('of 120 commands at once as many are taken as may be, and the last job to end makes it idle, once', async () => {
  const id = await make()
  const held = Promise.withResolvers<void>()
  gate = held.promise
  const replies = await Promise.all(Array.from({ length: 120 }, (_, at) => command(id, `task ${at}`)))
  const taken = replies.filter(({ status }) => status === 200)
  expect(taken).toHaveLength(100)
  expect(new Set(replies.filter(({ status }) => status !== 200).map(({ status }) => status))).toEqual(new Set([409]))
  expect(taken.every(({ json }) => (json as { status: string }).status === 'busy')).toBe(true)
  expect(await statusOf(id)).toBe('busy')
  held.resolve()
  await becomes(id, 'idle')
  expect(await platform.titles()).toHaveLength(100)
  await vi.waitFor(() => expect(told).toEqual(['idle']), { timeout: 10_000 })
  // Busy once, idle once: no command and no job in between wrote the row.
  expect((await ask('GET', `robots/${id}`)).json).toMatchObject({ version: 3 })
})

test('commands that come while it drains leave it neither idle with work nor busy without', async () => {
  const id = await make()
  for (let round = 0; round < 5; round += 1) {
    await Promise.all(Array.from({ length: 5 }, () => command(id)))
    await platform.settled()
  }
  await becomes(id, 'idle')
  expect(await platform.titles()).toHaveLength(25)
})

test('the death of one makes it an error, until it was redriven and went well', async () => {
  const id = await make()
  failing = true
  await command(id)
  await becomes(id, 'error')
  expect(await command(id)).toMatchObject({ status: 409, json: { code: 'conflict' } })
  const [dead] = await platform.rows(`status = 'dead'`)
  failing = false
  expect((await ask('POST', `dead-letters/${String(dead?.['id'])}/redrive`)).status).toBe(200)
  await becomes(id, 'idle')
  expect(await platform.titles()).toEqual(['x'])
})

test('cancelled and discarded, they are no more in the way', async () => {
  const id = await make()
  failing = true
  await command(id)
  await becomes(id, 'error')
  const [dead] = await platform.rows(`status = 'dead'`)
  await ask('POST', `dead-letters/${String(dead?.['id'])}/discard`)
  await becomes(id, 'idle')
  const held = Promise.withResolvers<void>()
  gate = held.promise
  await command(id)
  const [waiting] = await platform.rows(`status not in ('discarded', 'completed')`)
  await ask('POST', `jobs/${String(waiting?.['id'])}/cancel`)
  await becomes(id, 'idle')
  held.resolve()
})

test('a job that would run beside the queue is a mistake of the code', async () => {
  const id = await make()
  expect((await ask('POST', `robots/${id}/stray`)).status).toBe(500)
  expect(await platform.rows()).toEqual([])
})

test('the robot of another tenant is not there, and one that is gone leaves its jobs alone', async () => {
  const id = await make()
  expect((await ask('POST', `robots/${id}/command`, { title: 'x' }, 'b')).status).toBe(404)
  const held = Promise.withResolvers<void>()
  gate = held.promise
  await command(id)
  expect((await ask('DELETE', `robots/${id}`)).status).toBe(204)
  held.resolve()
  await platform.settled()
  const waiting = () => platform.superuser.query(`select id from plinth.events where delivered_at is null`)
  await vi.waitFor(async () => expect(await waiting()).toEqual([]), { timeout: 10_000 })
})

test('work is done as the service that was named, with its rights and no others', async () => {
  const id = await make()
  await command(id, 'as a writer', { as: 'a-writer' })
  await becomes(id, 'idle')
  expect(await platform.rows()).toMatchObject([{ principal_kind: 'service', principal_id: 'a-writer' }])
  expect(await platform.titles()).toEqual(['as a writer'])
  await command(id, 'as a reader', { as: 'a-reader' })
  await becomes(id, 'error')
  expect(await platform.titles()).toEqual(['as a writer'])
  expect(await platform.rows(`status = 'dead'`)).toMatchObject([{ error: expect.stringContaining('note:create') }])
})

test('a row that was locked is as its last writer left it', async () => {
  const id = await make()
  const as = <T>(run: Parameters<typeof platform.plinth.as<T>>[2]): Promise<T> =>
    platform.plinth.as(platform.principal(), platform.a.slug, run)
  // Each adds one to what it read: without the lock some would read the same.
  const { id: noteId } = await as((ctx) => ctx.create(notes, { title: 'count', number: 0 }))
  const add = () =>
    as(async (ctx) => {
      const { number } = await ctx.lock(notes, noteId)
      await ctx.update(notes, noteId, { number: number! + 1 })
    })
  await Promise.all(Array.from({ length: 100 }, add))
  expect((await as((ctx) => ctx.read(notes, noteId))).number).toBe(100)
  await expect(as((ctx) => ctx.lock(notes, id))).rejects.toMatchObject({ code: 'not_found' })
})

test('a dead job that has had its time, or is one too many, is an error no longer', async () => {
  const sweep = (): Promise<void> => sweepJobs(platform, platform.clock.now())
  for (const [keepDeadMs, mostDead, makeOlder] of [
    [90 * 86_400_000, 10_000, `finished_at = finished_at - interval '91 days'`],
    [90 * 86_400_000, 1, 'created_at = created_at'],
  ] as const) {
    failing = true
    const [first, second] = [await make(), await make()]
    for (const id of [first, second]) {
      await command(id)
      await becomes(id, 'error')
      platform.clock.advance(1_000)
    }
    await platform.superuser.query(`update plinth.background_jobs set ${makeOlder} where key = $1::text`, [
      queue.keyOf(first),
    ])
    // Left to whoever tells of it.
    await sweep()
    expect(await platform.rows(`status = 'dead'`)).toHaveLength(2)
    await forgetDead(inner, { keepDeadMs, mostDead }, () => Promise.resolve(true))
    await becomes(first, 'idle')
    expect(await statusOf(second)).toBe('error')
    expect(await platform.rows(`status = 'dead'`)).toHaveLength(1)
    await platform.superuser.script('delete from plinth.background_jobs')
  }
})
