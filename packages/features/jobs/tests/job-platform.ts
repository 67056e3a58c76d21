import {
  defineJob,
  defineResource,
  resourceTable,
  type EnqueueOptions,
  type Feature,
  type Job,
  type Principal,
} from '@plinth/core'
import { testPlatform, type TestPlatform, type TestPlatformOptions } from '@plinth/testing'
import { integer, text } from 'drizzle-orm/pg-core'
import { expect, vi } from 'vitest'
import { z } from 'zod'
import { jobs, type JobsOptions } from '../src/index.ts'

export const notes = resourceTable('notes', { title: text().notNull(), number: integer() })
export const note = defineResource({ table: notes })

/** Writes a row: the effect that is counted. */
export const writeNote = defineJob({
  name: 'note.write',
  input: z.object({ title: z.string(), number: z.number().int().optional() }),
  run: (ctx, input) => ctx.create(notes, input),
})

/** Jobs that keep so many places until they are let go: what is asked for meanwhile waits beside each other. */
export function placeKeeper(places: number) {
  const kept: (() => void)[] = []
  const keep = defineJob({
    name: 'keep',
    input: z.object({ isLast: z.boolean().default(false) }),
    key: ({ isLast }) => (isLast ? 'last' : undefined),
    run: (_ctx, { isLast }) => (isLast ? undefined : new Promise<void>((resolve) => void kept.push(resolve))),
  })
  return {
    keep,
    /** Asks for all while the places are taken, and lets go then. */
    meanwhile: async (platform: JobPlatform, ask: () => Promise<readonly string[]>): Promise<readonly string[]> => {
      for (let at = 0; at < places; at += 1) await platform.enqueue(keep, {})
      await vi.waitFor(() => expect(kept).toHaveLength(places), { timeout: 10_000 })
      const ids = await ask()
      // Chosen after all of them; of one with a key it can be read that it was.
      await platform.enqueue(keep, { isLast: true }, { priority: -100 })
      const isChosen = async (): Promise<void> =>
        expect(await platform.rows(`key = 'last' and status = 'queued'`)).toHaveLength(1)
      await vi.waitFor(isChosen, { timeout: 10_000 })
      for (const letGo of kept.splice(0)) letGo()
      return ids
    },
  }
}

export const quick: JobsOptions = { pollMs: 20, lease: '2s', grace: '5s' }

export interface JobPlatform extends TestPlatform {
  /** Somebody with every right in tenant a (or b), as code sees him. */
  principal(tenant?: 'a' | 'b'): Principal
  enqueue<I>(job: Job<I>, input: NoInfer<I>, options?: EnqueueOptions): Promise<string>
  /** Rows of `plinth.background_jobs`, in the order of asking. */
  rows(where?: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  titles(): Promise<readonly unknown[]>
  /** Until all that was asked for is settled. */
  settled(): Promise<void>
}

export async function jobPlatform(
  declared: readonly Job[],
  options: JobsOptions = {},
  {
    company = false,
    ...more
  }: Omit<Partial<TestPlatformOptions>, 'plinth'> & {
    readonly plinth?: TestPlatformOptions['plinth']
    /** Another worker is said to be there, which takes nothing: jobs go by the queue. */
    readonly company?: boolean
  } = {},
): Promise<JobPlatform> {
  const features: readonly Feature[] = [jobs({ ...quick, ...options }), ...(more.features ?? [])]
  const platform = await testPlatform({
    resources: [note, ...(more.resources ?? [])],
    pool: 10,
    ...more,
    features,
    plinth: { jobs: declared, ...more.plinth },
  })
  if (company) await platform.superuser.query(`insert into plinth.job_workers values ('idle', now(), 'infinity')`)
  // Serving begins with the first request that needs the database.
  await platform.request(platform.a.actors.full, 'GET', '/api/v1/notes')
  const rows: JobPlatform['rows'] = (where = 'true') =>
    platform.superuser.query(
      `select *, payload::text, result::text from plinth.background_jobs where ${where} order by seq`,
    )
  const principal: JobPlatform['principal'] = (tenant = 'a') => {
    const { slug } = platform[tenant]
    const source = platform.plinth.registry.features
      .flatMap((feature) => feature.slots?.principals ?? [])
      .find(({ kind }) => kind === 'service')
    const found = source?.find(`${tenant}-full`)
    if (!found || found instanceof Promise) throw new Error(`no service of ${slug}`)
    return found
  }
  return {
    ...platform,
    principal,
    rows,
    async enqueue(job, input, given) {
      const { id } = await platform.plinth.as(principal(), platform.a.slug, (ctx) => ctx.enqueue(job, input, given))
      return id
    },
    titles: async () =>
      (await platform.superuser.query('select title from notes order by created_at, title')).map((row) => row['title']),
    settled: () =>
      vi.waitFor(
        async () => {
          const left = await rows(`status in ('scheduled', 'waiting', 'held', 'queued', 'running')`)
          expect(left.map((row) => [row['type'], row['status'], row['error']])).toEqual([])
        },
        { timeout: 20_000, interval: 20 },
      ),
  }
}

/** One round of what `jobs()` removes. */
export async function sweepJobs({ plinth, database }: JobPlatform, now: Date): Promise<void> {
  const feature = plinth.registry.features.find(({ name }) => name === 'jobs')!
  await database.system(async (system) => {
    for (const one of feature.sweep!(now))
      await (typeof one === 'function' ? one((work) => work(system)) : system.run(one))
  })
}
