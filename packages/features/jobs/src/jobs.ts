import { givenTime, statement, type Feature, type JobQueue, type Platform, type StartupFault } from '@plinth/core'
import { countJobs } from './count-jobs.ts'
import { Depth } from './depth.ts'
import { enqueue } from './enqueue.ts'
import { jobEvents } from './job-events.ts'
import { jobMetrics } from './job-metrics.ts'
import { jobErrors } from './job-errors.ts'
import { jobResource, keptResults } from './job-resource.ts'
import { migrations } from './migrations.ts'
import { Schedules } from './mover/schedules.ts'
import { observeJobs } from './observe.ts'
import { once } from './once.ts'
import { settle, type JobsOptions } from './options.ts'
import { adminJobs } from './routes/admin-jobs.ts'
import { jobRoutes } from './routes/job-routes.ts'
import { JobService } from './service.ts'
import { JobWatch } from './watch/job-watch.ts'
import { watchRoute } from './watch/watch-route.ts'
import { isHeard } from './worker/settle.ts'

/** Rows of one round of the sweep. */
const SWEPT = 5_000

/**
 * Work that happens later. Fills the port `JobQueue` of the core; one object belongs to one platform. Jobs are declared by `defineJob`
 * and asked for by `ctx.enqueue`.
 */
export function jobs(options: JobsOptions = {}): Feature {
  const faults: StartupFault[] = []
  const settings = settle(options, faults)
  let service: JobService | undefined
  let watch: JobWatch | undefined
  let isGivenTime = false
  /** Whether somebody hears of dead jobs that are off the list: then the mover takes those with a key. */
  let isHeardOf = false
  const queue = (platform: Platform): JobQueue => {
    const depth = new Depth(settings.mostWaiting)
    return {
      async enqueue(parts, job, input, given) {
        const asking = enqueue(platform, depth, parts, job, input, given)
        // What nobody waits for is asked for all the same.
        parts.transaction.until(asking)
        const asked = await asking
        if (asked.created) parts.transaction.afterCommit(poke)
        return asked
      },
      once: (parts, key, work) => once(platform, parts, key, work),
      count: countJobs,
      work: async (_platform, signal) => service?.work(signal),
    }
  }
  const poke = (): void => service?.poke()
  return {
    name: 'jobs',
    errors: jobErrors,
    events: jobEvents,
    resources: [jobResource],
    tables: [keptResults],
    migrations,
    routes: ({ registry }) => [...jobRoutes(registry, poke), watchRoute(registry, () => watch!), adminJobs],
    travels: {
      'plinth.background_jobs': { stays: 'work of the platform on which it was asked for' },
      'plinth.kept_results': { stays: 'what was done once on this platform' },
    },
    verify: (registry) => [...faults, ...new Schedules(registry.jobs.values()).faults()],
    start(platform) {
      isGivenTime = givenTime(platform) !== null
      jobMetrics(platform)
      isHeardOf = isHeard(platform, 'job.discard')
      service = new JobService(platform, settings)
      watch = new JobWatch(platform)
    },
    observe: observeJobs,
    background: () => service?.start(),
    async stop() {
      watch?.stop()
      await service?.close()
    },
    // What runs has its grace; what is said of it then are a few statements.
    stopMs: settings.graceMs + 5_000,
    sweep: (now) => {
      // By the clock of the server, as they ended: what is kept for a week a process that is a week ahead would remove at once.
      const at = isGivenTime ? now : null
      return [
        statement`
          delete from plinth.background_jobs where (tenant_id, id) in (
            select tenant_id, id from plinth.background_jobs
            where status in ('completed', 'cancelled', 'discarded') and finished_at < coalesce(${at}::text::timestamptz, statement_timestamp()) - make_interval(secs => ${settings.keepMs / 1_000}::text::double precision)
            limit ${SWEPT}::int)`,
        statement`
          delete from plinth.background_jobs where (tenant_id, id) in (
            select tenant_id, id from plinth.background_jobs
            where status = 'dead' and (key is null or not ${isHeardOf}::boolean) and finished_at < coalesce(${at}::text::timestamptz, statement_timestamp()) - make_interval(secs => ${settings.keepDeadMs / 1_000}::text::double precision) limit ${SWEPT}::int)`,
        // A tenant whose every job fails would fill the table in the time that its letters are kept.
        statement`
          delete from plinth.background_jobs where (tenant_id, id) in (
            select tenant_id, id from (
              select tenant_id, id, key, row_number() over (partition by tenant_id order by created_at desc, id desc) as place
              from plinth.background_jobs where status = 'dead') dead
            where place > ${settings.mostDead}::int * case when key is not null and ${isHeardOf}::boolean then 2 else 1 end limit ${SWEPT}::int)`,
        statement`
          delete from plinth.kept_results where (tenant_id, key) in (
            select tenant_id, key from plinth.kept_results
            where created_at < coalesce(${at}::text::timestamptz, statement_timestamp()) - interval '30 days' limit ${SWEPT}::int)`,
      ]
    },
    slots: { jobs: queue },
  }
}
