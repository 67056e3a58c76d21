import { setTimeout as sleep } from 'node:timers/promises'
import { createPlinth, defineJob, defineResource, resourceTable, serviceTokens, type Context } from '@plinth/core'
import { jobs } from '@plinth/jobs'
import { postgres } from '@plinth/postgres'
import { loginUrl } from '@plinth/testing'
import { integer } from 'drizzle-orm/pg-core'
import { z } from 'zod'

/* The platform of the crash tests: the same for the process that asks and for those that are killed. */

/** Not secret: the database is gone when the test ends. */
export const TOKEN = 'a-service-of-the-crash-tests-xxxxxxxxxxx'

/** Without a unique key: what happens twice is there twice. */
export const effects = resourceTable('effects', { number: integer().notNull() })

const written = {
  input: z.object({ number: z.int() }),
  retry: { attempts: 1_000, first: '1s', most: '1s' },
  run: async (ctx: Context, { number }: { readonly number: number }): Promise<void> => {
    await ctx.create(effects, { number })
    // Long enough for a kill to fall between the effect and its commit.
    await sleep((number % 10) * 40)
  },
}
/** By turns: one transaction each, and several in one. */
const kinds = [
  defineJob({ ...written, name: 'effect.write' }),
  defineJob({ ...written, name: 'effect.writeTogether', together: 4 }),
] as const
export const effect = (number: number): (typeof kinds)[number] => kinds[number % 20 < 10 ? 0 : 1]

export const poison = defineJob({
  name: 'poison',
  input: z.object({}),
  retry: { attempts: 3, first: '1s', most: '1s' },
  run: async (ctx) => {
    await ctx.create(effects, { number: -1 })
    throw new Error('poison')
  },
})

const url = process.env['CRASH_URL'] ?? ''

export const plinth = createPlinth({
  database: postgres(url && loginUrl(url, 'plinth_app'), {
    ownerUrl: url,
    systemUrl: url && loginUrl(url, 'plinth_system'),
  }),
  resources: [defineResource({ table: effects })],
  features: [
    jobs({ workers: 'apart', lease: '3s', pollMs: 50, mostWaiting: 100_000 }),
    serviceTokens([{ name: 'crash', token: TOKEN, tenant: 'acme', permissions: ['*'] }]),
  ],
  jobs: [...kinds, poison],
  rateLimits: { requests: false },
  env: {
    ENVIRONMENT: 'test',
    LOG_LEVEL: 'error',
    LOG_TO: 'stderr',
    SECRET_KEYS: 'k:Xq1YJz0m5dV7mHn3rQw8cT2bL6pK9sFgA4uEoIiRtZk=',
  },
})
