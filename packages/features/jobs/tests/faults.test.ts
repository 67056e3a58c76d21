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
  expect(faultsOf(byTheClock('every day'))).toEqual([
    expect.stringMatching(/^job night\.tidy\.cron 'every day' is no time by the clock \(/),
  ])
})

test('a job without a schema for its input is a fault at start, not an error when it is asked for', () => {
  const untyped = defineJob({ name: 'night.tidy', cron: '0 3 * * *', run } as unknown as Parameters<
    typeof defineJob
  >[0])
  expect(faultsOf(untyped)).toEqual(['job night.tidy.input is no schema'])
})
