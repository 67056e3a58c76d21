import { defineJob, type Context } from '@plinth/core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { jobPlatform, notes, writeNote, type JobPlatform } from './job-platform.ts'

const none = z.object({})
let failures = 0
const attemptsSeen: number[] = []

const flaky = defineJob({
  name: 'flaky',
  input: none,
  retry: { attempts: 3, first: '1s' },
  run: async (ctx, _input, job) => {
    attemptsSeen.push(job.attempt)
    await ctx.create(notes, { title: `try ${job.attempt}` })
    if (job.attempt <= failures) throw new Error(`failed ${job.attempt}`)
    return { after: job.attempt }
  },
})

const strict = defineJob({
  name: 'strict',
  input: z.object({ wanted: z.string() }),
  run: () => undefined,
})

const outsider = defineJob({
  name: 'outsider',
  input: z.object({ n: z.number() }),
  outside: ({ n }) => ({ doubled: n * 2 }),
  run: async (ctx, _input, job) => {
    await ctx.create(notes, { title: `doubled ${job.outside.doubled}` })
  },
})

const parent = defineJob({
  name: 'parent',
  input: none,
  run: async (ctx) => {
    await ctx.enqueue(writeNote, { title: 'child' })
    await ctx.once('one', async () => {
      await ctx.create(notes, { title: 'once' })
      return { said: 'so' }
    })
  },
})

const keyed = defineJob({
  name: 'keyed',
  input: z.object({ title: z.string() }),
  key: ({ title }) => title,
  run: () => undefined,
})

const declared = [writeNote, flaky, strict, outsider, parent, keyed]

describe.each([
  ['postgres', 'alone', false],
  ['postgres', 'beside another worker', true],
  ['pglite', 'alone', false],
] as const)('jobs on %s, %s', (kind, _how, company) => {
  let platform: JobPlatform

  beforeAll(async () => {
    platform = await jobPlatform(declared, {}, { kind, company })
  })
  afterEach(async () => {
    await platform.settled()
    await platform.superuser.script(
      'delete from plinth.background_jobs; delete from plinth.kept_results; delete from notes',
    )
    failures = 0
    attemptsSeen.length = 0
  })
  afterAll(() => platform.close())

  test('a job runs in the name of whoever asked, and leaves its row', async () => {
    const id = await platform.enqueue(writeNote, { title: 'hello' })
    await platform.settled()
    expect(await platform.titles()).toEqual(['hello'])
    expect(await platform.rows()).toEqual([
      expect.objectContaining({
        id,
        type: 'note.write',
        status: 'completed',
        attempts: 1,
        principal_kind: 'service',
        principal_id: 'a-full',
        error: null,
        progress: 1,
      }),
    ])
  })

  test('what is rolled back was never asked for', async () => {
    const asked = platform.plinth.as(platform.principal(), platform.a.slug, async (ctx) => {
      await ctx.enqueue(writeNote, { title: 'never' })
      throw new Error('no')
    })
    await expect(asked).rejects.toThrow('no')
    expect(await platform.rows()).toEqual([])
  })

  test('a run that fails is tried again later, and what it wrote is rolled back', async () => {
    failures = 1
    await platform.enqueue(flaky, {})
    await vi.waitFor(async () =>
      expect(await platform.rows()).toMatchObject([{ status: 'scheduled', attempts: 1, error: 'Error: failed 1' }]),
    )
    expect(await platform.titles()).toEqual([])
    platform.clock.advance(1_000)
    await platform.settled()
    expect(await platform.titles()).toEqual(['try 2'])
    expect(await platform.rows()).toMatchObject([
      { status: 'completed', attempts: 2, result: '{"after": 2}', error: null },
    ])
  })

  test('after its attempts it is dead, once', async () => {
    failures = 3
    await platform.enqueue(flaky, {})
    for (let attempt = 1; attempt < 3; attempt += 1) {
      await vi.waitFor(async () =>
        expect(await platform.rows()).toMatchObject([{ status: 'scheduled', attempts: attempt }]),
      )
      platform.clock.advance(10_000)
    }
    await platform.settled()
    expect(attemptsSeen).toEqual([1, 2, 3])
    expect(await platform.rows()).toMatchObject([{ status: 'dead', attempts: 3, error: 'Error: failed 3' }])
    expect(await platform.titles()).toEqual([])
  })

  test('an input that does not parse any more is dead at once', async () => {
    const id = await platform.enqueue(strict, { wanted: 'x' }, { delay: '1h' })
    await platform.superuser.query(`update plinth.background_jobs set payload = '{}' where id = $1::uuid`, [id])
    platform.clock.advance(3_600_000)
    await platform.settled()
    const [row] = await platform.rows()
    expect(row).toMatchObject({ status: 'dead', attempts: 1 })
    expect(row?.['error']).toMatch(/^Its input is not what the job takes: \/wanted/)
  })

  test('an input that the schema does not take is refused where it is asked for', async () => {
    await expect(platform.enqueue(strict, { wanted: 1 } as never)).rejects.toMatchObject({
      code: 'validation_failed',
      errors: [{ path: '/wanted' }],
    })
  })

  test('slow work happens before the transaction, which finds its result', async () => {
    await platform.enqueue(outsider, { n: 21 })
    await platform.settled()
    expect(await platform.titles()).toEqual(['doubled 42'])
  })

  test('a job asks for jobs, and what it does once is done once', async () => {
    await platform.enqueue(parent, {})
    await platform.enqueue(parent, {})
    await platform.settled()
    expect(await platform.titles()).toHaveLength(3)
    expect(new Set(await platform.titles())).toEqual(new Set(['child', 'once']))
  })

  test('a delay is waited for by the clock of the platform', async () => {
    await platform.enqueue(writeNote, { title: 'later' }, { delay: '1h' })
    await platform.enqueue(writeNote, { title: 'now' })
    await vi.waitFor(async () => expect(await platform.titles()).toEqual(['now']))
    expect(await platform.rows(`status = 'scheduled'`)).toHaveLength(1)
    platform.clock.advance(3_600_000)
    await platform.settled()
    expect(await platform.titles()).toEqual(['now', 'later'])
  })

  test('five hundred are asked for at once in one transaction, and stand in their order', async () => {
    const asked = await platform.plinth.as(platform.principal(), platform.a.slug, (ctx) =>
      Promise.all(
        Array.from({ length: 500 }, (_, at) =>
          ctx.enqueue(writeNote, { title: `${at}`, number: at }, at % 100 === 99 ? { idempotencyKey: 'one' } : {}),
        ),
      ),
    )
    const rows = await platform.rows()
    expect(rows).toHaveLength(496)
    expect(rows.map(({ id }) => id)).toEqual([...new Set(asked.map(({ id }) => id))])
    expect(asked.filter(({ created }) => !created)).toHaveLength(4)
    await platform.settled()
    expect(await platform.titles()).toHaveLength(496)
  })

  test('what is asked for and not waited for is in the transaction all the same', async () => {
    const asked = (work: (ctx: Context) => unknown): Promise<unknown> =>
      platform.plinth.as(platform.principal(), platform.a.slug, async (ctx) => void work(ctx))
    for (const round of ['first', 'again']) {
      await asked((ctx) => {
        for (let at = 0; at < 20; at += 1) void ctx.enqueue(writeNote, { title: `${round} ${at}` })
      })
      await platform.plinth.as(platform.principal(), platform.a.slug, (ctx) =>
        Promise.all([
          ...Array.from({ length: 20 }, (_, at) => ctx.enqueue(writeNote, { title: `${round} ${at + 20}` })),
          ctx.enqueue(writeNote, {} as never),
        ]).catch(() => undefined),
      )
    }
    expect(await platform.rows()).toHaveLength(80)
  })

  test('what a single one may be, it may be among others', async () => {
    const cut = { title: `${'x'.repeat(199)}😀"\\{},` }
    await platform.plinth.as(platform.principal(), platform.a.slug, async (ctx) => {
      await ctx.enqueue(keyed, cut)
      await Promise.all([
        ctx.enqueue(keyed, cut),
        ctx.enqueue(keyed, { title: '"' }),
        ctx.enqueue(keyed, { title: '' }),
      ])
    })
    const keys = (await platform.rows()).map(({ key }) => key)
    expect(keys).toEqual([`${'x'.repeat(199)}\uFFFD`, `${'x'.repeat(199)}\uFFFD`, '"', ''])
    expect((await platform.rows()).map(({ payload }) => JSON.parse(String(payload))).slice(0, 3)).toEqual([
      cut,
      cut,
      { title: '"' },
    ])
    await expect(
      platform.plinth.as(platform.principal(), platform.a.slug, (ctx) =>
        ctx.enqueue(keyed, cut, { at: new Date(Number.NaN) }),
      ),
    ).rejects.toMatchObject({ code: 'validation_failed' })
  })

  test('several at once may be asked for decades ahead', async () => {
    const asked = await platform.plinth.as(platform.principal(), platform.a.slug, (ctx) =>
      Promise.all([1, 2, 3].map(() => ctx.enqueue(writeNote, { title: 'much later' }, { delay: '30000d' }))),
    )
    expect(asked).toHaveLength(3)
    await platform.superuser.script(`delete from plinth.background_jobs where status = 'scheduled'`)
  })

  test('a hundred at once with one idempotency key are one job', async () => {
    const ids = await Promise.all(
      Array.from({ length: 100 }, () => platform.enqueue(writeNote, { title: 'one' }, { idempotencyKey: 'k1' })),
    )
    expect(new Set(ids).size).toBe(1)
    await platform.settled()
    expect(await platform.titles()).toEqual(['one'])
  })

  test('the runtime login sees nothing of the queue, and leaves who asked as it is', async () => {
    const id = await platform.enqueue(writeNote, { title: 'x' })
    const [may] = await platform.superuser.query(`
      select has_schema_privilege('plinth_app', 'plinth_queue', 'usage') as queue,
        has_column_privilege('plinth_app', 'plinth.background_jobs', 'principal_id', 'update') as principal,
        has_column_privilege('plinth_app', 'plinth.background_jobs', 'payload', 'update') as payload,
        has_table_privilege('plinth_app', 'plinth.background_jobs', 'delete') as gone`)
    expect(may).toEqual({ queue: false, principal: false, payload: false, gone: false })
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
  })
})
