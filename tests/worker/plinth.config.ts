import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createPlinth,
  defineJob,
  defineResource,
  resilient,
  resourceTable,
  serviceTokens,
  type Feature,
} from '@plinth/core'
import { jobs } from '@plinth/jobs'
import { postgres } from '@plinth/postgres'
import { loginUrl } from '@plinth/testing'
import { integer } from 'drizzle-orm/pg-core'
import { z } from 'zod'

/* The platform of the tests of `plinth worker`: the same for the process that asks and for the one that works. */

export const TOKEN = 'a-service-of-the-worker-tests-xxxxxxxxxx'
export const METRICS_TOKEN = 'a-token-of-metrics-that-is-long-enough-0123'
export const CONCURRENCY = 2
const { WORKER_URL: url = '', WORKER_GATE: gate = '', WORKER_CLOSE_MS: closeMs = '0' } = process.env

/** Without a unique key: what happens twice is there twice. */
export const effects = resourceTable('effects', { number: integer().notNull() })
const input = z.object({ number: z.int() })

export const quick = defineJob({
  name: 'quick.write',
  input,
  run: async (ctx, { number }) => void (await ctx.create(effects, { number })),
})
/** Waits until the gate is there, then has its effect. */
export const slow = defineJob({
  name: 'slow.write',
  input,
  outside: async () => {
    while (!existsSync(gate)) await sleep(20)
  },
  run: async (ctx, { number }) => void (await ctx.create(effects, { number })),
})
const depot = resilient('depot', { breaker: { failures: 1, openMs: 600_000 }, retry: false })
/** Calls something that is away. */
export const calling = defineJob({
  name: 'depot.call',
  input,
  retry: { attempts: 1 },
  outside: () => depot.run(() => Promise.reject(new Error('the depot is away'))),
  run: () => undefined,
})
const observed: Feature = { name: 'observed', observe: () => ({ resilience: [depot] }) }

export const plinth = createPlinth({
  database: postgres(url && loginUrl(url, 'plinth_app'), {
    ownerUrl: url,
    systemUrl: url && loginUrl(url, 'plinth_system'),
  }),
  resources: [defineResource({ table: effects })],
  features: [
    jobs({ workers: 'apart', pollMs: 50, concurrency: CONCURRENCY, grace: '15s' }),
    serviceTokens([{ name: 'robot', token: TOKEN, tenant: 'acme', permissions: ['*'] }]),
    observed,
  ],
  jobs: [quick, slow, calling],
  mailer: {
    name: 'post',
    send: () => Promise.resolve(),
    // As one that has a mail on its way.
    close: async () => {
      await sleep(Number(closeMs))
      if (closeMs !== '0') process.stdout.write('the mail is away\n')
    },
  },
  rateLimits: { requests: false },
})
