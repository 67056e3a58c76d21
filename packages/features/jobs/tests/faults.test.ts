import { createPlinth, defineJob, StartupError, type Job } from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { jobs } from '../src/jobs.ts'

const run = async (): Promise<void> => {}

/** What is said at start, before any database is opened. */
function faultsOf(...declared: readonly Job[]): readonly string[] {
  try {
    createPlinth({ database: embedded('never-opened'), resources: [], jobs: declared, features: [jobs()] })
    return []
  } catch (error) {
    if (!(error instanceof StartupError)) throw error
    return error.faults.map(({ path, problem }) => `${path} ${problem}`).filter((fault) => fault.startsWith('job '))
  }
}

const byTheClock = (cron: string, timeZone?: string): Job =>
  defineJob({ name: 'night.tidy', input: z.object({}), cron, run, ...(timeZone !== undefined && { timeZone }) })

test('a time by the clock that is none says so in the words of whoever wrote it', () => {
  expect(faultsOf(byTheClock('0 3 * * MON-FRI', 'Europe/Zurich'))).toEqual([])
  expect(faultsOf(byTheClock('0 3 * * *', 'Europe/Zurch'))).toEqual([
    "job night.tidy.timeZone 'Europe/Zurch' is no time zone",
  ])
  expect(faultsOf(byTheClock('0 30 3 31 FEB'))).toEqual([
    expect.stringMatching(/^job night\.tidy\.cron '0 30 3 31 FEB' is no time by the clock \(/),
  ])
})

test.each([
  ['0 0 3 * * *', 'six fields: jobs are made by the minute, leave the seconds out'],
  ['@secondly', 'use one of @yearly, @annually, @monthly, @weekly, @weekdays, @weekends, @daily, @hourly, @minutely'],
  ['@Daily', 'use one of @yearly'],
  ['@reboot', 'use one of @yearly'],
  // What the library would take for every minute.
  ['', '0 fields instead of five'],
  [' ', '0 fields instead of five'],
  ['5', '1 fields instead of five'],
  ['* * * *', '4 fields instead of five'],
  ['every day', '2 fields instead of five'],
  ['* * * * * * *', '7 fields instead of five'],
  ['H 3 * * *', 'H is drawn by chance anew each time'],
  ['0 3,H(1-4) * * *', 'H is drawn by chance anew each time'],
  ['*/90 * * * *', "'*/90' steps beyond what there is"],
  ['0 */24 * * *', "'*/24' steps beyond what there is"],
  ['60 * * * *', 'Constraint error'],
  ['0 3 30 2 *', 'Invalid explicit day of month definition'],
])('%j is refused as a time by the clock', (cron, why) => {
  expect(faultsOf(byTheClock(cron))).toEqual([expect.stringContaining(`'${cron}' is no time by the clock (${why}`)])
})

test.each(['@daily', '*/59 0-23/6 1,15 JAN-MAR 1-5', '0 0 L * *', '0 0 ? * 5L', '0 3 * * THU#2'])(
  '%j is a time by the clock',
  (cron) => {
    expect(faultsOf(byTheClock(cron))).toEqual([])
  },
)

test('a job without a schema for its input is a fault at start, not an error when it is asked for', () => {
  const untyped = defineJob({ name: 'night.tidy', cron: '0 3 * * *', run } as unknown as Parameters<
    typeof defineJob
  >[0])
  expect(faultsOf(untyped)).toEqual(['job night.tidy.input is no schema'])
})

test('what shares a transaction only writes, and not without end', () => {
  const job = (together: number): Job => defineJob({ name: 'note.count', input: z.object({}), together, run })
  expect(faultsOf(job(1))).toEqual([])
  expect(faultsOf(job(100))).toEqual([])
  expect(faultsOf(job(0))).toEqual(['job note.count.together 0 is no count'])
  expect(faultsOf(job(101))).toEqual(['job note.count.together 101 share one transaction'])
  const slow = defineJob({ name: 'note.count', input: z.object({}), together: 5, outside: run, run })
  expect(faultsOf(slow)).toEqual(['job note.count.together is for jobs that only write'])
})

test('the key of a job by the clock is asked at start, and not at night', () => {
  const keyed = (key: (input: { site?: string | undefined }) => unknown): Job =>
    defineJob({
      name: 'night.tidy',
      input: z.object({ site: z.string().optional() }),
      cron: '0 3 * * *',
      key: key as (input: unknown) => string,
      run,
    })
  expect(faultsOf(keyed(({ site }) => site))).toEqual([])
  expect(faultsOf(keyed(() => 'all'))).toEqual([])
  expect(faultsOf(keyed(({ site }) => site!.toLowerCase()))).toEqual([
    expect.stringMatching(/^job night\.tidy\.key cannot be made of \{\}, .* \(Cannot read properties of undefined/),
  ])
  expect(faultsOf(keyed(() => 7))).toEqual([expect.stringMatching(/^job night\.tidy\.key is no text for \{\}/)])
  const late = z.object({}).refine(() => Promise.resolve(true))
  expect(faultsOf(defineJob({ name: 'night.tidy', input: late, cron: '0 3 * * *', run }))).toEqual([
    expect.stringMatching(/^job night\.tidy\.input cannot be asked \(/),
  ])
})
