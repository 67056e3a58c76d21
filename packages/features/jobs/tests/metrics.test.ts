import { randomBytes } from 'node:crypto'
import { defineJob } from '@plinth/core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { jobPlatform, notes, type JobPlatform } from './job-platform.ts'

/* Rate, errors and duration of jobs, as Prometheus reads them. */

const METRICS_TOKEN = 'a-token-of-metrics-that-is-long-enough-0123'
const moody = defineJob({
  name: 'moody',
  input: z.object({ how: z.enum(['well', 'badly', 'hopelessly']) }),
  retry: { attempts: 2 },
  run: (_ctx, { how }, job) => {
    if (how === 'hopelessly' || (how === 'badly' && job.attempt === 1)) throw new Error(how)
  },
})
const small = defineJob({
  name: 'small',
  input: z.object({ title: z.string() }),
  together: 10,
  run: (ctx, input) => ctx.create(notes, input),
})
const idle = defineJob({ name: 'idle', input: z.object({}), run: () => undefined })

let platform: JobPlatform
beforeAll(async () => {
  const SECRET_KEYS = `k1:${randomBytes(32).toString('base64')}`
  platform = await jobPlatform(
    [moody, small, idle],
    {},
    { plinth: { env: { METRICS_TOKEN, ENVIRONMENT: 'test', SECRET_KEYS } } },
  )
})
afterAll(() => platform.close())

const page = async (): Promise<readonly string[]> => {
  const request = new Request('http://test/metrics', { headers: { authorization: `Bearer ${METRICS_TOKEN}` } })
  return (await (await platform.plinth.fetch(request)).text()).split('\n')
}
const numbers = (lines: readonly string[], name: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    lines
      .filter((line) => line.startsWith(`${name}{`))
      .map((line) => [line.slice(name.length, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  )

test('ends are counted by job and outcome, and how long they took', async () => {
  for (const how of ['well', 'well', 'badly', 'hopelessly'] as const) await platform.enqueue(moody, { how })
  await platform.plinth.as(platform.principal(), platform.a.slug, (ctx) =>
    Promise.all(Array.from({ length: 7 }, (_, at) => ctx.enqueue(small, { title: `${at}` }))),
  )
  const cancelled = await platform.enqueue(idle, {}, { delay: '2d' })
  await platform.request(platform.a.actors.full, 'POST', `/api/v1/jobs/${cancelled}/cancel`)
  await vi.waitFor(async () => expect(await platform.rows(`status = 'scheduled'`)).toHaveLength(2), { timeout: 10_000 })
  platform.clock.advance(3_600_000)
  await platform.settled()
  // Of a release that knew it; its name is no series of its own.
  await platform.superuser.script(`
    insert into plinth.background_jobs (tenant_id, id, type, payload, status, max_attempts, run_at, principal_kind, principal_id, second_factor,
      request_id) values ('${platform.a.id}', gen_random_uuid(), 'somebody@example.test', '{}', 'waiting', 1, now(), 'service', 'a-full', false, 'r')`)
  await platform.settled()

  const lines = await page()
  expect(numbers(lines, 'plinth_job_runs_total')).toEqual({
    '{type="moody",outcome="completed"}': 3,
    '{type="moody",outcome="failed"}': 2,
    '{type="moody",outcome="dead"}': 1,
    '{type="small",outcome="completed"}': 7,
    '{type="small",outcome="failed"}': 0,
    '{type="small",outcome="dead"}': 0,
    '{type="idle",outcome="completed"}': 0,
    '{type="idle",outcome="failed"}': 0,
    '{type="idle",outcome="dead"}': 0,
    '{type="idle",outcome="cancelled"}': 1,
    '{type="other",outcome="dead"}': 1,
  })
  expect(numbers(lines, 'plinth_job_run_duration_seconds_count')).toEqual({
    '{type="moody"}': 6,
    '{type="small"}': 7,
    '{type="other"}': 1,
  })
  expect(lines).toContain('# TYPE plinth_job_runs_total counter')
  expect(lines).toContain('# TYPE plinth_job_run_duration_seconds histogram')
  expect(lines.filter((line) => line.startsWith('# HELP plinth_job_run'))).toHaveLength(2)
})
