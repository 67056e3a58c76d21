import { defineJob, type HealthCheck } from '@plinth/core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { observeJobs } from '../src/observe.ts'
import { jobPlatform, notes, writeNote, type JobPlatform } from './job-platform.ts'

/* Jobs that the clock asks for, where something is wrong with one of them or with the clocks. */

let isBroken = false
const broken = defineJob({
  name: 'broken',
  input: z.object({}),
  cron: '* * * * *',
  key: () => {
    if (isBroken) throw new Error('no key today')
    return 'key'
  },
  run: () => undefined,
})
const minutely = defineJob({
  name: 'minutely',
  input: z.object({}),
  cron: '* * * * *',
  run: (ctx) => ctx.create(notes, { title: 'by the clock' }),
})

let platform: JobPlatform
const checkOf = (name: string): HealthCheck =>
  observeJobs({ ...platform, registry: platform.plinth.registry }).checks!.find((one) => one.name === name)!
const look = (name: string): Promise<void> => checkOf(name).check(AbortSignal.timeout(5_000))

beforeAll(async () => {
  platform = await jobPlatform([broken, minutely, writeNote])
  await vi.waitFor(async () => {
    const made = await platform.superuser.query('select job from plinth.job_schedules')
    if (made.length < 2) throw new Error('not yet')
  })
})
afterAll(() => platform.close())

test('a schedule that cannot be made holds up no other one, and nothing else', async () => {
  isBroken = true
  platform.clock.advance(120_000)
  await platform.enqueue(writeNote, { title: 'asked for' })
  await vi.waitFor(
    async () => expect(new Set(await platform.titles())).toEqual(new Set(['asked for', 'by the clock'])),
    {
      timeout: 10_000,
    },
  )
  expect(await platform.rows(`type = 'broken'`)).toEqual([])
  // It is told of once, however often it is asked.
  expect(platform.log.of('job_mover_interrupted')).toEqual([])
  expect(platform.log.of('job_schedule_failed')).toMatchObject([{ level: 'error', fields: { job: 'broken' } }])
  // The time that nobody made was a minute ago.
  await look('job-schedules')
  platform.clock.advance(1_000)
  await expect(look('job-schedules')).rejects.toThrow('It was time for broken, and no jobs were made.')
  isBroken = false
  await vi.waitFor(async () => expect(await platform.rows(`type = 'broken'`)).toHaveLength(2), { timeout: 15_000 })
  await look('job-schedules')
})
