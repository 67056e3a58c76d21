import { statement, type Observed, type Platform, type RawRow } from '@plinth/core'
import { Schedules } from './mover/schedules.ts'
import { countWorkers } from './worker/presence.ts'

/** How long a job that is due may wait while nobody runs any, in seconds: a worker looks twice a second. */
const LONGEST_WAIT_S = 60

/** What jobs show of themselves. One look serves all numbers: it reads what is not finished, and what is dead. */
export function observeJobs({
  database,
  registry,
  clock,
}: Pick<Platform, 'database' | 'registry' | 'clock'>): Observed {
  const schedules = new Schedules(registry.jobs.values())
  const ask = (): Promise<readonly RawRow[]> =>
    database.system((system) =>
      system.run(statement`
        select status, count(*)::int as jobs,
          coalesce(max(extract(epoch from clock_timestamp() - run_at)) filter (where status in ('waiting', 'queued')), 0)::float8 as oldest,
          coalesce(bool_or(status = 'running' and lease_until > clock_timestamp()), false) as worked
        from plinth.background_jobs
        where status in ('scheduled', 'waiting', 'held', 'queued', 'running', 'dead') group by status`),
    )
  let look: Promise<readonly RawRow[]> | undefined
  const seen = (): Promise<readonly RawRow[]> => (look ??= ask().finally(() => (look = undefined)))
  const oldestOf = (rows: readonly RawRow[]): number => Math.max(0, ...rows.map(({ oldest }) => Number(oldest)))
  return {
    checks: [
      {
        name: 'job-workers',
        freshMs: 5_000,
        async check() {
          const rows = await seen()
          if (oldestOf(rows) > LONGEST_WAIT_S && !rows.some(({ worked }) => worked === true))
            throw new Error(`A job has waited for ${Math.round(oldestOf(rows))} seconds, and no worker runs any.`)
        },
      },
      {
        name: 'job-schedules',
        freshMs: 5_000,
        async check() {
          const missed = await schedules.missed(database, clock.now())
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
          (await seen()).map(({ status, jobs }) => ({ labels: { status: String(status) }, value: Number(jobs) })),
      },
      {
        name: 'plinth_job_workers',
        help: 'Processes that run jobs.',
        type: 'gauge',
        read: async () => [{ value: await countWorkers(database) }],
      },
      {
        name: 'plinth_jobs_oldest_seconds',
        help: 'How long the oldest job that is due has waited.',
        type: 'gauge',
        read: async () => [{ value: oldestOf(await seen()) }],
      },
    ],
  }
}
