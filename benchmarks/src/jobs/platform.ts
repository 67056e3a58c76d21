import {
  createPlinth,
  defineJob,
  defineResource,
  resourceTable,
  serviceTokens,
  type Job,
  type Plinth,
  type Principal,
} from '@plinth/core'
import { jobs } from '@plinth/jobs'
import { postgres } from '@plinth/postgres'
import { loginUrl } from '@plinth/testing'
import { integer } from 'drizzle-orm/pg-core'
import { z } from 'zod'

/** Transactions and statements at once, of both. */
export const AT_ONCE = 10
/** Jobs that are asked for in one transaction. */
export const BATCH = 100

/** The row that each job writes, of both. */
const effects = resourceTable('effects', { number: integer().notNull() })

export interface JobsPlatform {
  readonly plinth: Plinth
  readonly effect: Job<{ number: number }>
  /** Id of the tenant acme. */
  readonly tenantId: string
  readonly robots: Readonly<Record<'acme' | 'beta', Principal>>
}

export interface JobsSetting {
  /** How many share a transaction. Default: none do. */
  readonly together?: number | undefined
  /** Default {@link AT_ONCE}: as many as the pool has connections. */
  readonly concurrency?: number
}

/** @param onBegun told when a job begins, with the number that it was given */
export async function openJobs(
  url: string,
  onBegun: (number: number) => void,
  { together, concurrency = AT_ONCE }: JobsSetting = {},
): Promise<JobsPlatform> {
  const effect = defineJob({
    name: 'effect.write',
    input: z.object({ number: z.int() }),
    ...(together !== undefined && { together }),
    run: async (ctx, { number }) => {
      onBegun(number)
      await ctx.create(effects, { number })
    },
  })
  const token = (tenant: string) => ({
    name: tenant,
    tenant,
    token: `a-token-of-${tenant}-that-is-long-enough`,
    permissions: ['*'],
  })
  const robots = serviceTokens([token('acme'), token('beta')])
  const plinth = createPlinth({
    database: postgres(loginUrl(url, 'plinth_app'), {
      ownerUrl: url,
      systemUrl: loginUrl(url, 'plinth_system'),
      max: AT_ONCE,
    }),
    resources: [defineResource({ table: effects })],
    features: [jobs({ workers: 'apart', concurrency, mostWaiting: 1_000_000 }), robots],
    jobs: [effect],
    env: { ENVIRONMENT: 'test', LOG_LEVEL: 'error', SECRET_KEYS: 'k:Xq1YJz0m5dV7mHn3rQw8cT2bL6pK9sFgA4uEoIiRtZk=' },
  })
  await plinth.migrate()
  const { id: tenantId } = await plinth.foundTenant({ slug: 'acme', name: 'Acme' })
  await plinth.foundTenant({ slug: 'beta', name: 'Beta' })
  const robot = async (name: string): Promise<Principal> => (await robots.slots!.principals![0]!.find(name))!
  return { plinth, effect, tenantId, robots: { acme: await robot('acme'), beta: await robot('beta') } }
}

/** Asks for so many, in transactions of a hundred. */
export async function askFor({ plinth, effect, robots }: JobsPlatform, count: number): Promise<void> {
  for (let from = 0; from < count; from += BATCH)
    await plinth.as(robots.acme, 'acme', (ctx) => {
      const numbers = Array.from({ length: Math.min(BATCH, count - from) }, (_, at) => from + at)
      return Promise.all(numbers.map((number) => ctx.enqueue(effect, { number })))
    })
}
