import { asPrincipal, besides, refuseInactive, type Platform, type Tenant } from '@plinth/core'
import { jobLogEvents } from '../log-events.ts'
import { parseInput } from './parse-input.ts'
import { enteredAs, recall, refuseForged, runJob, signalsOf, unlessAborted, within, type Running } from './run-job.ts'
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
export async function runTogether(platform: Platform, jobs: readonly Running[]): Promise<void> {
  if (jobs.length > 1 && (await allDone(platform, jobs))) return
  let failure: { readonly error: unknown } | undefined
  // Of one that failed nothing could be said: the others would wait for their lease, with their attempt counted and not made.
  for (const job of jobs) await runJob(platform, job).catch((error: unknown) => (failure ??= { error }))
  if (failure) throw failure.error
}

async function allDone(platform: Platform, jobs: readonly Running[]): Promise<boolean> {
  const { type: job, tenantId } = jobs[0]!.job
  try {
    const tenant = await platform.database.findTenant(tenantId)
    if (!tenant) return false
    await attemptAll(platform, tenant, jobs)
    return true
  } catch (error) {
    // Whichever it was says so itself. That it is so again and again, as where all together take longer than the time of one, nobody
    // would be told: each is done by itself.
    platform.log.info(jobLogEvents.jobsParted, { job, tenantId, jobs: jobs.length, error })
    return false
  }
}

async function attemptAll(platform: Platform, tenant: Tenant, jobs: readonly Running[]): Promise<void> {
  refuseInactive(tenant, false)
  const first = jobs[0]!
  const definition = platform.registry.jobs.get(first.job.type)
  if (!definition) throw new Error('no such job')
  const inputs = jobs.map(({ job }) => parseInput(definition, job.payload))
  for (const { job } of jobs) refuseForged(platform, job)
  const principal = await recall(platform, tenant, first.job)
  const run = definition.run as (context: unknown, input: unknown, run: unknown) => unknown
  await within(shared(jobs), definition, async (signal) => {
    await asPrincipal(platform, enteredAs(first.job, principal, tenant), async (_context, transaction) => {
      const done: Done[] = []
      for (const [at, running] of jobs.entries()) {
        const own = besides(platform, enteredAs(running.job, principal, tenant), transaction)
        const signals = { ...signalsOf(running), signal, outside: undefined }
        const result = await unlessAborted(signal, () => run(own.context, inputs[at], signals))
        done.push({ job: running.job, transaction: own.transaction, result })
      }
      await completeAll(done, platform.clock.now())
    })
  })
}

/** Ends when one of them is ended: cancelled, or given to somebody else. */
function shared(jobs: readonly Running[]): AbortController {
  const abort = new AbortController()
  for (const running of jobs) {
    const { signal } = running.abort
    if (signal.aborted) abort.abort(signal.reason)
    signal.addEventListener('abort', () => abort.abort(signal.reason), { once: true, signal: abort.signal })
  }
  return abort
}
