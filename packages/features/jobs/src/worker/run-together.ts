import {
  asPrincipal,
  besides,
  givenTime,
  refuseInactive,
  type Platform,
  type Tenant,
  type Transaction,
} from '@plinth/core'
import { jobMetrics } from '../job-metrics.ts'
import { jobLogEvents } from '../log-events.ts'
import { parseInput } from './parse-input.ts'
import { Ending, unlessEnded } from './ending.ts'
import { enteredAs, recall, refuseForged, runJob, runOf, within, type Running, type Told } from './run-job.ts'
import { completeAll, type Done } from './settle.ts'

/**
 * Whether a transaction of the one is one of the other: the same work of one tenant, in one name. What was begun before has its own: one
 * that ends its process would take the same neighbours with it each time, until all of them are dead.
 */
export function belongsTogether({ job: left }: Running, { job: right }: Running): boolean {
  return (
    left.attempt === 1 &&
    right.attempt === 1 &&
    left.type === right.type &&
    left.tenantId === right.tenantId &&
    left.asker.kind === right.asker.kind &&
    left.asker.id === right.asker.id &&
    left.asker.userId === right.asker.userId &&
    left.asker.secondFactor === right.asker.secondFactor
  )
}

/**
 * Runs jobs of one kind in one transaction, which says of all of them that they are done. Where anything is wrong with one, nothing of
 * any is written, and each runs again by itself: it alone is told what was wrong, and tried again. Of one, it is {@link runJob}.
 */
export async function runTogether(
  platform: Platform,
  jobs: readonly [Running, ...Running[]],
  told: Told,
): Promise<void> {
  if (jobs.length === 1) return runJob(platform, jobs[0], told)
  if (await allDone(platform, jobs, told)) return
  told.onWork()
  let failure: { readonly error: unknown } | undefined
  // Of one that failed nothing could be said: the others would wait for their lease, with their attempt counted and not made.
  for (const job of jobs) await runJob(platform, job).catch((error: unknown) => (failure ??= { error }))
  if (failure) throw failure.error
}

async function allDone(platform: Platform, jobs: readonly [Running, ...Running[]], told: Told): Promise<boolean> {
  const { type: job, tenantId } = jobs[0].job
  const startedAt = performance.now()
  try {
    const tenant = await platform.database.findTenant(tenantId)
    if (!tenant) return false
    await attemptAll(platform, tenant, jobs, told)
    // Of what all took together each has its part: their sum is the time for which the worker was busy.
    const seconds = (performance.now() - startedAt) / 1_000 / jobs.length
    for (const { job: one } of jobs) jobMetrics(platform).ended(one.type, 'completed', seconds)
    return true
  } catch (error) {
    // Whichever it was says so itself. That it is so again and again, as where all together take longer than the time of one, nobody
    // would be told: each is done by itself.
    platform.log.info(jobLogEvents.jobsParted, { job, tenantId, jobs: jobs.length, error })
    return false
  }
}

async function attemptAll(
  platform: Platform,
  tenant: Tenant,
  jobs: readonly [Running, ...Running[]],
  told: Told,
): Promise<void> {
  refuseInactive(tenant, false)
  const [first] = jobs
  const definition = platform.registry.jobs.get(first.job.type)
  if (!definition) throw new Error('no such job')
  const inputs = jobs.map(({ job }) => parseInput(definition, job.payload))
  for (const { job } of jobs) refuseForged(job)
  const principal = await recall(platform, tenant, first.job)
  const run = definition.run as (context: unknown, input: unknown, run: unknown) => unknown
  await within(shared(jobs), definition, async (ending) => {
    const work = async (_context: unknown, transaction: Transaction): Promise<void> => {
      told.onWork()
      const done: Done[] = []
      for (const [at, running] of jobs.entries()) {
        const own = besides(platform, enteredAs(running.job, principal, tenant), transaction)
        const result = await unlessEnded(ending, () => run(own.context, inputs[at], runOf(running, ending)))
        done.push({ job: running.job, transaction: own.transaction, result })
      }
      await completeAll(done, givenTime(platform), told.onSent)
    }
    await asPrincipal(platform, enteredAs(first.job, principal, tenant), work, { behind: true })
  })
}

/** Ends when one of them is ended: cancelled, or given to somebody else. */
function shared(jobs: readonly Running[]): Ending {
  const ending = new Ending()
  const forget = jobs.map((running) => running.ending.onEnd((reason) => ending.end(reason)))
  ending.onEnd(() => forget.forEach((one) => one()))
  return ending
}
