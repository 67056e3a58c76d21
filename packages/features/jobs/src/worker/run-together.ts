import { asPrincipal, besides, refuseInactive, type Platform, type Tenant } from '@plinth/core'
import { parseInput } from './parse-input.ts'
import { enteredAs, recall, refuseForged, runJob, signalsOf, within, type Running } from './run-job.ts'
import { completeAll, type Done } from './settle.ts'

/** Whether a transaction of the one is one of the other: the same work of one tenant, in one name. */
export function belongsTogether({ job: left }: Running, { job: right }: Running): boolean {
  return (
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
  for (const job of jobs) await runJob(platform, job)
}

async function allDone(platform: Platform, jobs: readonly Running[]): Promise<boolean> {
  try {
    const tenant = await platform.database.findTenant(jobs[0]!.job.tenantId)
    if (!tenant) return false
    await attemptAll(platform, tenant, jobs)
    return true
  } catch {
    // Whichever it was finds out again.
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
        signal.throwIfAborted()
        const own = besides(platform, enteredAs(running.job, principal, tenant), transaction)
        const result = await run(own.context, inputs[at], { ...signalsOf(running), signal, outside: undefined })
        done.push({ job: running.job, transaction: own.transaction, result })
      }
      signal.throwIfAborted()
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
