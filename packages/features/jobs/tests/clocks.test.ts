import { defineJob, systemClock } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { Schedules } from '../src/mover/schedules.ts'
import { jobPlatform, type JobPlatform, notes, sweepJobs, writeNote } from './job-platform.ts'

/* Clocks of processes are wrong, by days, in either direction: jobs go by the clock of the database. */

const DAY_MS = 86_400_000
let isJammed = false
const jammed = defineJob({
  name: 'jammed',
  input: z.object({}),
  retry: { first: '1h' },
  run: () => {
    if (isJammed) throw new Error('not yet')
  },
})
const nightly = defineJob({ name: 'nightly', input: z.object({}), cron: '30 3 * * *', run: () => undefined })
const minutely = defineJob({
  name: 'minutely',
  input: z.object({}),
  cron: '* * * * *',
  run: (ctx) => ctx.create(notes, { title: 'by the clock' }),
})

describe.each([
  ['ahead', 10],
  ['behind', -10],
])('ten days %s', (_how, days) => {
  let platform: JobPlatform
  beforeAll(async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * DAY_MS })
    platform = await jobPlatform([writeNote, jammed, minutely], {}, { plinth: { clock: systemClock } })
  })
  afterAll(async () => {
    vi.useRealTimers()
    await platform.close()
  })
  /** Seconds from now, by the clock of the database. */
  const seconds = async (column: string, from: string): Promise<number> => {
    const [row] = await platform.superuser.query(
      `select extract(epoch from ${column} - clock_timestamp())::float8 as s from ${from}`,
    )
    return Number(row!['s'])
  }

  test('a delay is as long as it says, and what failed is tried again when it says', async () => {
    isJammed = true
    const delayed = await platform.enqueue(writeNote, { title: 'later' }, { delay: '1h' })
    const together = await platform.plinth.as(platform.principal(), platform.a.slug, (ctx) =>
      Promise.all([
        ctx.enqueue(writeNote, { title: 'later' }, { delay: '1h' }),
        ctx.enqueue(jammed, {}),
        ctx.enqueue(writeNote, { title: 'now' }),
      ]),
    )
    const retried = together[1].id
    await vi.waitFor(async () => expect(await platform.titles()).toContain('now'), { timeout: 10_000 })
    await vi.waitFor(
      async () => expect(await platform.rows(`id = '${retried}' and status = 'scheduled'`)).toHaveLength(1),
      {
        timeout: 10_000,
      },
    )
    isJammed = false
    for (const id of [delayed, together[0].id]) {
      expect(await platform.rows(`id = '${id}'`)).toMatchObject([{ status: 'scheduled', attempts: 0 }])
      expect(await seconds('run_at', `plinth.background_jobs where id = '${id}'`)).toBeCloseTo(3_600, -2)
    }
    const until = await seconds('run_at', `plinth.background_jobs where id = '${retried}'`)
    expect(until).toBeGreaterThan(1_700)
    expect(until).toBeLessThan(3_601)
    await platform.superuser.script(
      `update plinth.background_jobs set run_at = clock_timestamp() where status = 'scheduled'`,
    )
    await platform.settled()
    expect(await platform.titles()).toEqual(expect.arrayContaining(['now', 'later', 'later']))
  })

  test('a time that is given is that time, and so is what is made by the clock', async () => {
    const [row] = await platform.superuser.query(`select (extract(epoch from clock_timestamp()) * 1000)::float8 as now`)
    const now = Number(row!['now'])
    const [early, late] = [
      await platform.enqueue(writeNote, { title: 'early' }, { at: new Date(now - DAY_MS) }),
      await platform.enqueue(writeNote, { title: 'late' }, { at: new Date(now + DAY_MS) }),
    ]
    await vi.waitFor(async () => expect(await platform.titles()).toContain('early'), { timeout: 10_000 })
    expect(await platform.rows(`id = '${late}'`)).toMatchObject([{ status: 'scheduled' }])
    expect(await platform.rows(`id = '${early}'`)).toMatchObject([{ status: 'completed' }])
    const made = await seconds('made_until', `plinth.job_schedules where job = 'minutely'`)
    expect(made).toBeLessThanOrEqual(0)
    expect(made).toBeGreaterThan(-120)
  })

  test('what has ended is kept for its time', async () => {
    const sweep = (): Promise<void> => sweepJobs(platform, new Date())
    const done = (): Promise<readonly unknown[]> => platform.rows(`status = 'completed'`)
    const before = (await done()).length
    expect(before).toBeGreaterThan(0)
    await sweep()
    expect(await done()).toHaveLength(before)
    await platform.superuser.script(
      `update plinth.background_jobs set finished_at = finished_at - interval '7 days 1 minute' where status = 'completed'`,
    )
    await sweep()
    expect(await done()).toEqual([])
  })
})

test('what a process made for times that have not come keeps back no night', async () => {
  const platform = await jobPlatform([], {}, { plinth: { jobs: [] } })
  const make = (time: string): Promise<void> => new Schedules([nightly]).make(platform, new Date(time))
  const made = async (): Promise<string[]> => {
    const rows = await platform.rows(`tenant_id = '${platform.a.id}'`)
    return rows.map((row) => new Date(String(row['run_at'])).toISOString().slice(5, 10))
  }
  await make('2030-02-01T02:00:00Z')
  await make('2030-02-01T03:30:00Z')
  // By a release that went by the clock of its process, which was ten days ahead.
  await make('2030-02-11T03:30:00Z')
  for (const day of ['02', '03', '04'])
    for (let look = 0; look < 3; look += 1) await make(`2030-02-${day}T03:30:0${look}Z`)
  expect((await made()).toSorted()).toEqual(['02-01', '02-02', '02-03', '02-04', '02-11'])
  await platform.close()
})
