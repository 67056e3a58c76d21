import { defineJob, type Feature, type Job, type Platform } from '@plinth/core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { giveBackLost } from '../src/mover/give-back-lost.ts'
import { releaseHeld } from '../src/mover/hand-over.ts'
import { observeJobs } from '../src/observe.ts'
import type { Claimed } from '../src/worker/claim.ts'
import { giveBack } from '../src/worker/settle.ts'
import { jobPlatform, type JobPlatform } from './job-platform.ts'

/* What health says of jobs that wait, as they stand in their table: no mover and no worker runs here. */

const run = (): undefined => undefined
const known: readonly Job[] = [
  defineJob({ name: 'free', input: z.object({}), run }),
  defineJob({ name: 'two', input: z.object({}), concurrency: 2, run }),
  defineJob({ name: 'one.each', input: z.object({}), perTenant: 1, run }),
]

let platform: JobPlatform
let inner: Platform
beforeAll(async () => {
  const inside: Feature = { name: 'test-inside', start: (given) => void (inner = given) }
  platform = await jobPlatform([], {}, { plinth: { jobs: [] }, features: [inside] })
})
afterEach(async () => {
  await platform.superuser.script('delete from plinth.background_jobs')
  await stand('active')
})
afterAll(() => platform.close())

const stand = async (status: string): Promise<void> => {
  await platform.superuser.query('update plinth.tenants set status = $2::text where id = $1::uuid', [
    platform.a.id,
    status,
  ])
  platform.database.forget()
}

interface Row {
  readonly status: string
  readonly tenant?: 'a' | 'b'
  readonly type?: string
  readonly key?: string
  readonly attempts?: number
  /** Seconds since it is due; negative for what is not. */
  readonly due?: number
  /** Seconds since it came back. */
  readonly back?: number
  /** Seconds for which a worker has it. */
  readonly lease?: number
}

async function put(...rows: readonly Row[]): Promise<void> {
  for (const { status, tenant = 'a', type = 'free', key = null, attempts = 0, due = 90, back, lease } of rows) {
    const runAt = new Date(platform.clock.now().getTime() - due * 1_000)
    const ended = status === 'completed' || status === 'dead' ? runAt : null
    await platform.superuser.query(
      `insert into plinth.background_jobs (tenant_id, id, type, payload, status, max_attempts, run_at, principal_kind, principal_id, second_factor,
         request_id, key, attempts, finished_at, waiting_since, lease_until)
       values ($1::uuid, gen_random_uuid(), $2::text, '{}', $3::text, 5, $4::text::timestamptz, 'service', 'a-full', false,
         'r', $5::text, $6::text::int, $7::text::timestamptz, now() - make_interval(secs => $8::text::float8),
         now() + make_interval(secs => $9::text::float8))`,
      [
        platform[tenant].id,
        type,
        status,
        runAt.toISOString(),
        key,
        String(attempts),
        ended?.toISOString() ?? null,
        back === undefined ? null : String(back),
        lease === undefined && status !== 'running' ? null : String(lease ?? 60),
      ],
    )
  }
}

async function look(): Promise<{ readonly oldest: number; readonly health: string }> {
  const registry = { ...platform.plinth.registry, jobs: new Map(known.map((job) => [job.name, job])) }
  const { checks = [], metrics = [] } = observeJobs({ ...platform, registry })
  const check = checks.find(({ name }) => name === 'job-workers')!
  const [oldest] = await metrics.find(({ name }) => name === 'plinth_jobs_oldest_seconds')!.read()
  const health = await check.check(AbortSignal.timeout(5_000)).then(
    () => 'well',
    (error: unknown) => (error as Error).message,
  )
  return { oldest: Math.round(oldest!.value), health }
}

const unwell = 'A job has waited for 90 seconds, and no worker runs any.'

test.each<[string, readonly Row[], number, string]>([
  ['waits', [{ status: 'waiting' }], 90, unwell],
  ['is handed over', [{ status: 'queued' }], 90, unwell],
  [
    'waits, and is the first of its key',
    [
      { status: 'waiting', key: 'k' },
      { status: 'waiting', key: 'k' },
    ],
    90,
    unwell,
  ],
  [
    'waits, of a key of another tenant',
    [
      { status: 'held', key: 'k', tenant: 'b' },
      { status: 'waiting', key: 'k' },
    ],
    90,
    unwell,
  ],
  [
    'waits, behind one of its key that is for later',
    [
      { status: 'scheduled', key: 'k', due: -60 },
      { status: 'waiting', key: 'k' },
    ],
    90,
    unwell,
  ],
  [
    'runs in a process that is gone, and others wait for its limit',
    [
      { status: 'running', type: 'one.each', lease: -70 },
      { status: 'waiting', type: 'one.each', due: 65 },
    ],
    70,
    'A job has waited for 70 seconds, and no worker runs any.',
  ],
  [
    'runs in a process that is gone, and others of its key wait',
    [
      { status: 'running', key: 'k', lease: -70 },
      { status: 'waiting', key: 'k', due: 200 },
    ],
    70,
    'A job has waited for 70 seconds, and no worker runs any.',
  ],
  [
    'is due, and nobody hands it over',
    [{ status: 'running', lease: 60 }, { status: 'scheduled' }],
    90,
    'A job has been due for 90 seconds, and nobody hands it over.',
  ],
])('health says so where a job %s', async (_what, rows, oldest, health) => {
  await put(...rows)
  expect(await look()).toEqual({ oldest, health })
})

test.each<[string, readonly Row[], number]>([
  ['has not waited long', [{ status: 'waiting', due: 50 }], 50],
  ['is for later', [{ status: 'scheduled', due: -60 }], 0],
  [
    'waits behind one that is held with its tenant',
    [
      { status: 'held', key: 'k' },
      { status: 'waiting', key: 'k' },
    ],
    0,
  ],
  [
    'waits behind one that will be tried again',
    [
      { status: 'scheduled', attempts: 1, due: -200, key: 'k' },
      { status: 'waiting', key: 'k' },
    ],
    0,
  ],
  [
    'waits behind one of its key that runs',
    [
      { status: 'waiting', key: 'k' },
      { status: 'running', key: 'k' },
    ],
    0,
  ],
  [
    'waits for its limit in all',
    [
      { status: 'running', type: 'two' },
      { status: 'running', type: 'two', tenant: 'b' },
      { status: 'waiting', type: 'two' },
    ],
    0,
  ],
  [
    'waits for its limit of one tenant',
    [
      { status: 'running', type: 'one.each' },
      { status: 'waiting', type: 'one.each', key: 'k' },
    ],
    0,
  ],
  [
    'waits, with room under its limit',
    [
      { status: 'running', type: 'two' },
      { status: 'waiting', type: 'two' },
    ],
    90,
  ],
  [
    'waits, and another tenant has its limit',
    [
      { status: 'running', type: 'one.each', tenant: 'b' },
      { status: 'waiting', type: 'one.each' },
    ],
    90,
  ],
  ['waits while a worker runs another one', [{ status: 'running', lease: 60 }, { status: 'waiting' }], 90],
  [
    'waited for one of its key that has ended just now',
    [
      { status: 'completed', key: 'k', due: 1 },
      { status: 'waiting', key: 'k' },
    ],
    90,
  ],
  ['came back just now', [{ status: 'waiting', due: 7_200, back: 5 }], 5],
])('and is well where a job %s', async (_what, rows, oldest) => {
  await put(...rows)
  expect(await look()).toEqual({ oldest, health: 'well' })
})

test('what is given back has waited since then: by its worker, by its lease, with its tenant', async () => {
  const long: Row = { status: 'running', due: 7_200, attempts: 1 }
  await put(long)
  const [row] = await platform.rows()
  const [tenantId, id, delivery] = ['tenant_id', 'id', 'delivery'].map((name) => String(row![name]))
  await giveBack(inner, [{ tenantId, id, delivery } as unknown as Claimed])
  expect(await platform.rows()).toMatchObject([{ status: 'waiting', attempts: 0 }])
  expect(await look()).toEqual({ oldest: 0, health: 'well' })
  await platform.superuser.script('delete from plinth.background_jobs')

  await put({ ...long, lease: -1 })
  await giveBackLost(inner, () => Promise.resolve(true))
  expect(await platform.rows()).toMatchObject([{ status: 'waiting', attempts: 1 }])
  expect(await look()).toEqual({ oldest: 0, health: 'well' })
  await platform.superuser.script('delete from plinth.background_jobs')

  await put({ ...long, status: 'held' })
  await platform.database.system((system) => releaseHeld(system))
  expect(await platform.rows()).toMatchObject([{ status: 'waiting' }])
  expect(await look()).toEqual({ oldest: 0, health: 'well' })
})
