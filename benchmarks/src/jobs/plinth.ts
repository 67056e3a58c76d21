import { createPlinth, defineJob, defineResource, resourceTable, serviceTokens } from '@plinth/core'
import { jobs } from '@plinth/jobs'
import { postgres } from '@plinth/postgres'
import { loginUrl } from '@plinth/testing'
import { integer } from 'drizzle-orm/pg-core'
import { z } from 'zod'

/** A second: jobs asked for, and jobs done. */
export interface JobsRound {
  readonly asked: number
  readonly done: number
}

/** Transactions that ask, and jobs in each. */
export const BATCH = 100
export const AT_ONCE = 10

const effects = resourceTable('effects', { number: integer().notNull() })

export async function plinthRound(url: string, count: number): Promise<JobsRound> {
  let left = count
  const { promise: done, resolve } = Promise.withResolvers<void>()
  const effect = defineJob({
    name: 'effect.write',
    input: z.object({ number: z.int() }),
    run: async (ctx, { number }) => {
      await ctx.create(effects, { number })
      if (--left === 0) resolve()
    },
  })
  const robots = serviceTokens([
    { name: 'robot', tenant: 'acme', token: 'a-token-of-the-benchmark-that-is-long', permissions: ['*'] },
  ])
  const plinth = createPlinth({
    database: postgres(loginUrl(url, 'plinth_app'), {
      ownerUrl: url,
      systemUrl: loginUrl(url, 'plinth_system'),
      max: AT_ONCE,
    }),
    resources: [defineResource({ table: effects })],
    features: [jobs({ workers: 'apart', concurrency: AT_ONCE, mostWaiting: 1_000_000, pollMs: 100_000_000 }), robots],
    jobs: [effect],
    env: { ENVIRONMENT: 'test', LOG_LEVEL: 'error', SECRET_KEYS: 'k:Xq1YJz0m5dV7mHn3rQw8cT2bL6pK9sFgA4uEoIiRtZk=' },
  })
  await plinth.migrate()
  await plinth.foundTenant({ slug: 'acme', name: 'Acme' })
  const robot = await robots.slots!.principals![0]!.find('robot')
  const begun = performance.now()
  for (let from = 0; from < count; from += BATCH)
    await plinth.as(robot!, 'acme', async (ctx) => {
      for (let number = from; number < from + BATCH; number += 1) await ctx.enqueue(effect, { number })
    })
  const asked = performance.now()
  const stop = new AbortController()
  const working = plinth.work(stop.signal)
  await done
  const ended = performance.now()
  stop.abort()
  await working
  await plinth.close()
  return { asked: (count / (asked - begun)) * 1_000, done: (count / (ended - asked)) * 1_000 }
}
