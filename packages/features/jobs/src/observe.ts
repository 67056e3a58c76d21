import { statement, type Database, type Observed, type Platform, type RawRow } from '@plinth/core'
import { Schedules } from './mover/schedules.ts'
import { lookWhetherItMoves, longestWait } from './waiting.ts'
import { countWorkers } from './worker/presence.ts'

/** How long a job that is due may wait while nobody runs any, in seconds: a worker looks twice a second. */
const LONGEST_WAIT_S = 60

/** What jobs show of themselves. One look serves all who ask at the same time. */
export function observeJobs(platform: Pick<Platform, 'database' | 'registry' | 'clock'>): Observed {
  const { database, registry } = platform
  const schedules = new Schedules(registry.jobs.values())
  const oldest = shared(() => longestWait(platform))
  return {
    checks: [
      {
        name: 'job-workers',
        freshMs: 5_000,
        async check() {
          const { worked, overdue } = await lookWhetherItMoves(platform)
          if (overdue > LONGEST_WAIT_S)
            throw new Error(`A job has been due for ${Math.round(overdue)} seconds, and nobody hands it over.`)
          if (worked) return
          const seconds = await oldest()
          if (seconds > LONGEST_WAIT_S)
            throw new Error(`A job has waited for ${Math.round(seconds)} seconds, and no worker runs any.`)
        },
      },
      {
        name: 'job-schedules',
        freshMs: 5_000,
        async check() {
          const missed = await schedules.missed(platform)
          if (missed.length > 0) throw new Error(`It was time for ${missed.join(', ')}, and no jobs were made.`)
        },
      },
    ],
    metrics: [
      {
        name: 'plinth_jobs',
        help: 'Jobs that are not finished, and dead ones, by status.',
        type: 'gauge',
        labels: ['status'],
        read: async () =>
          (await countByStatus(database)).map(({ status, jobs }) => ({
            labels: { status: String(status) },
            value: Number(jobs),
          })),
      },
      {
        name: 'plinth_job_workers',
        help: 'Processes that run jobs.',
        type: 'gauge',
        read: async () => [{ value: await countWorkers(database) }],
      },
      {
        name: 'plinth_jobs_oldest_seconds',
        help: 'How long the oldest job has waited that might run: not held back by its key, a limit or its tenant.',
        type: 'gauge',
        read: async () => [{ value: Math.max(await oldest(), (await lookWhetherItMoves(platform)).overdue) }],
      },
    ],
  }
}

/** What is not finished, and what is dead. */
function countByStatus(database: Database): Promise<readonly RawRow[]> {
  return database.systemStatement(statement`
    select status, count(*)::int as jobs from plinth.background_jobs
    where status in ('scheduled', 'waiting', 'held', 'queued', 'running', 'dead') group by status`)
}

/** Asked by several at the same time, it is asked once. */
function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let asking: Promise<T> | undefined
  return () => (asking ??= ask().finally(() => (asking = undefined)))
}
