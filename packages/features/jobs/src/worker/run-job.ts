import {
  asPrincipal,
  auditDenial,
  givenTime,
  PlinthError,
  problem,
  readDuration,
  readingAs,
  recallPrincipal,
  refuseInactive,
  storedText,
  traceIdOf,
  Unfinished,
  type Context,
  type Entered,
  type Job,
  type JobRun,
  type Platform,
  type Tenant,
  type Transaction,
} from '@plinth/core'
import { jobMetrics, type JobOutcome } from '../job-metrics.ts'
import { jobLogEvents } from '../log-events.ts'
import type { Claimed } from './claim.ts'
import { unlessEnded, type Ending } from './ending.ts'
import { parseInput } from './parse-input.ts'
import { complete, fail, giveBack, Hopeless, pauseAfter } from './settle.ts'

const DEFAULT_TIMEOUT_S = 300

/** One run that is on, as the worker sees it. */
export interface Running {
  readonly job: Claimed
  /** What it writes afterwards is rolled back. */
  readonly ending: Ending
  progress: number | null
  note: string | null
}

/** Whoever is told how far it is. It may fail nowhere. */
export interface Told {
  /** It works, again or for the first time: what it has sent was refused, or has not been. */
  readonly onWork: () => void
  /** Nothing is left of it but the answer to its COMMIT. */
  readonly onSent: () => void
}

/** Why a run was ended from outside. */
export class Draining extends Error {
  override readonly name = 'Draining'
}

/** Runs one job and says what became of it. Never rejects but for a database that is away. */
export async function runJob(platform: Platform, running: Running, told?: Told): Promise<void> {
  const { job } = running
  const startedAt = performance.now()
  const tenant = await platform.database.findTenant(job.tenantId)
  try {
    await attempt(platform, tenant, running, told)
    const tookMs = performance.now() - startedAt
    jobMetrics(platform).ended(job.type, 'completed', tookMs / 1_000)
    platform.log.debug(jobLogEvents.jobCompleted, { ...factsOf(job), milliseconds: Math.round(tookMs * 10) / 10 })
  } catch (error) {
    told?.onWork()
    const seconds = (performance.now() - startedAt) / 1_000
    const outcome = await settleFailure(platform, tenant, running, error)
    jobMetrics(platform).ended(job.type, outcome, outcome === 'failed' || outcome === 'dead' ? seconds : undefined)
  }
}

async function attempt(
  platform: Platform,
  tenant: Tenant | undefined,
  running: Running,
  told: Told | undefined,
): Promise<void> {
  const { job, ending } = running
  // Cancelled while it lay here.
  ending.throwIfEnded()
  if (!tenant) throw new Hopeless('Its tenant is gone.')
  // As a request that writes is refused while the tenant is suspended; it is not the job's fault, and it waits.
  refuseInactive(tenant, false)
  const definition = platform.registry.jobs.get(job.type)
  if (!definition) throw new Error('This version of the product knows no such job.')
  const input = parseInput(definition, job.payload)
  refuseForged(job)
  const principal = await recall(platform, tenant, job)
  await within(ending, definition, async () => {
    let entered = enteredAs(job, principal, tenant)
    const outside = definition.outside as ((input: unknown, signals: unknown, context: unknown) => unknown) | undefined
    const found = outside && (await outside(input, runOf(running), readingAs(platform, entered)))
    ending.throwIfEnded()
    // What was outside may have taken minutes: whoever was removed meanwhile changes nothing any more.
    if (outside) entered = await enterAgain(platform, job)
    const run = definition.run as (context: unknown, input: unknown, run: JobRun<unknown>) => unknown
    const work = async (context: Context, transaction: Transaction): Promise<void> => {
      told?.onWork()
      const result = await unlessEnded(ending, () => run(context, input, runOf(running, ending, found)))
      await complete(transaction, { job, result }, givenTime(platform), told?.onSent)
    }
    // The COMMIT before it and its own first statement are one message then: a tenth of what a small job costs.
    await asPrincipal(platform, entered, work, { behind: true })
  })
}

/** @throws Hopeless */
export function refuseForged(job: Claimed): void {
  if (job.genuine) return
  throw new Hopeless('In whose name it runs, and with what, is not signed by a key of this platform.')
}

async function enterAgain(platform: Platform, job: Claimed): Promise<Entered> {
  const tenant = await platform.database.findTenant(job.tenantId)
  if (!tenant) throw new Hopeless('Its tenant is gone.')
  refuseInactive(tenant, false)
  return enteredAs(job, await recall(platform, tenant, job), tenant)
}

export function enteredAs(job: Claimed, principal: Entered['principal'], tenant: Tenant): Entered {
  const { requestId, traceparent } = job
  return { principal, tenant, requestId, ...(traceparent !== null && { traceparent }) }
}

/** Drawn anew: what was taken from whoever asked since he asked is gone. @throws Hopeless */
export async function recall(platform: Platform, tenant: Tenant, job: Claimed): Promise<Entered['principal']> {
  try {
    const principal = await recallPrincipal(platform, job.asker, tenant)
    if (principal) return principal
  } catch (error) {
    if (!PlinthError.is(error) || error.status >= 500) throw error
  }
  throw new Hopeless('Whoever asked for it may not enter this tenant any more.', { cause: problem('tenant_forbidden') })
}

/** No longer than its time, whether it heeds its signal or not: a promise that nobody settles must not keep its place for ever. */
export async function within(ending: Ending, definition: Job, work: (ending: Ending) => Promise<void>): Promise<void> {
  const seconds = readDuration(definition.timeout) ?? DEFAULT_TIMEOUT_S
  const timer = setTimeout(() => ending.end(new Error(`It took longer than ${seconds} seconds.`)), seconds * 1_000)
  try {
    await unlessEnded(ending, () => work(ending))
  } finally {
    clearTimeout(timer)
  }
}

/** What a job is told of its run. */
export function runOf(running: Running, ending = running.ending, outside?: unknown): JobRun<unknown> {
  const { id, attempt: number, attempts } = running.job
  return {
    id,
    attempt: number,
    attempts,
    outside,
    get signal() {
      return ending.signal
    },
    progress(fraction, note) {
      if (!(fraction >= 0 && fraction <= 1)) throw new RangeError('progress is a number from 0 to 1')
      // All runs of a worker say how far they are in one statement: what one says must not make it fail for the others. Of a number that is
      // nearly none PostgreSQL says that it is beyond its range.
      running.progress = Math.round(fraction * 1e6) / 1e6
      running.note = note === undefined ? null : storedText(note, 200)
    },
  }
}

/** Which run it is, and never what it was given. */
export function factsOf(
  job: Pick<Claimed, 'type' | 'id' | 'tenantId' | 'attempt' | 'requestId' | 'traceparent'>,
): Readonly<Record<string, unknown>> {
  return {
    job: job.type,
    jobId: job.id,
    tenantId: job.tenantId,
    attempt: job.attempt,
    requestId: job.requestId,
    ...(job.traceparent !== null && { traceId: traceIdOf(job.traceparent) }),
  }
}

async function settleFailure(
  platform: Platform,
  tenant: Tenant | undefined,
  { job, ending }: Running,
  error: unknown,
): Promise<JobOutcome> {
  const facts = factsOf(job)
  if (error instanceof Unfinished) {
    platform.log.info(jobLogEvents.jobVoid, facts)
    return 'lost'
  }
  if (error instanceof Draining) {
    await giveBack(platform, [job])
    return 'returned'
  }
  if (tenant && PlinthError.is(error) && error.code === 'tenant_suspended' && !ending.ended) {
    await giveBack(platform, [job], error.detail ?? error.title)
    return 'held'
  }
  const { asker: who, tenantId, requestId, id: target } = job
  const denied = error instanceof Hopeless && error.cause !== undefined ? error.cause : error
  auditDenial(platform, { who, tenantId, requestId, action: 'job.run', target }, denied)
  const hopeless = error instanceof Hopeless
  const pauseMs = pauseAfter(job.attempt, platform.registry.jobs.get(job.type), Math.random)
  const outcome = await fail(platform, tenant, job, { words: wordsOf(error), hopeless, pauseMs })
  if (outcome === 'lost') platform.log.info(jobLogEvents.jobVoid, facts)
  else if (outcome === 'dead') platform.log.error(jobLogEvents.jobDead, { ...facts, error })
  else platform.log.warn(jobLogEvents.jobFailed, { ...facts, error, retryInMs: pauseMs })
  return outcome === 'scheduled' ? 'failed' : outcome
}

/** For whoever may read jobs. What looks like a secret is masked where it is stored. */
function wordsOf(error: unknown): string {
  if (PlinthError.is(error)) return error.detail ?? error.title
  if (error instanceof Hopeless) return error.message
  return error instanceof Error ? `${error.name}: ${error.message}` : 'It threw something that is no error.'
}
