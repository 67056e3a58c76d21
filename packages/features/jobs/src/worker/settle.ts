import {
  givenTime,
  readDuration,
  scopeOf,
  statement,
  storedText,
  systemPrincipal,
  type Job,
  type Platform,
  type Tenant,
  type Transaction,
} from '@plinth/core'
import { columnsOf } from '../queue/deliveries.ts'
import type { Claimed } from './claim.ts'

/** What no repetition mends: the job is dead at once. The message is for whoever looks at it. */
export class Hopeless extends Error {
  override readonly name = 'Hopeless'
}

/**
 * The job is done, in the transaction of its effects. The one statement that makes them happen once: of several runs of a job, each
 * with its own delivery and attempt, one finds the row running.
 * The transaction rejects with Unfinished where the job is not this run's any more.
 * @param now null for the clock of the server
 * @param onSent told when that and COMMIT are on their way
 */
export async function complete(
  transaction: Transaction,
  { job, result }: Pick<Done, 'job' | 'result'>,
  now: Date | null,
  onSent?: () => void,
): Promise<void> {
  const text = result === undefined ? null : JSON.stringify(result)
  await transaction.emit(eventOf('job.completed', job))
  // Sent with COMMIT. Of several runs one finds the row.
  transaction.finish(
    statement`
    update plinth.background_jobs
    set status = 'completed', finished_at = coalesce(${now}::text::timestamptz, statement_timestamp()), version = version + 1,
      updated_at = coalesce(${now}::text::timestamptz, statement_timestamp()), result = ${text ?? null}::text::jsonb, progress = 1, error = null, lease_until = null
    where tenant_id = ${job.tenantId}::uuid and id = ${job.id}::uuid and delivery = ${job.delivery}::uuid
      and attempts = ${job.attempt}::int and coalesce(status, '') = 'running' returning id`,
    { onSent },
  )
}

/** A job that has been run, and the transaction on its account. */
export interface Done {
  readonly job: Claimed
  readonly transaction: Transaction
  readonly result: unknown
}

/**
 * As {@link complete}, for several in one transaction: all of them, or none.
 * The transaction rejects with Unfinished where one of them is not this worker's any more.
 */
export async function completeAll(done: readonly Done[], now: Date | null, onSent?: () => void): Promise<void> {
  const [first] = done
  if (!first) return
  for (const { job, transaction } of done) await transaction.emit(eventOf('job.completed', job))
  // A kept plan of the time when there was no job would read all of them. Not waited for: it is a setting of this transaction, which fails
  // with it. Of one that is over already nobody is told, and a rejection that nobody takes ends the process.
  first.transaction
    .run(statement`select set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)`)
    .catch(() => undefined)
  const jobs = done.map(({ job }) => job)
  const { delivery, tenantId, id } = columnsOf(jobs)
  const attempts = jobs.map(({ attempt }) => String(attempt))
  // Empty where there is none: JSON knows null alone.
  const results = done.map(({ result }) => JSON.stringify(result === undefined ? [] : [result]))
  first.transaction.finish(
    statement`
      update plinth.background_jobs j
      set status = 'completed', finished_at = coalesce(${now}::text::timestamptz, statement_timestamp()), version = j.version + 1,
        updated_at = coalesce(${now}::text::timestamptz, statement_timestamp()), result = d.result -> 0, progress = 1, error = null, lease_until = null
      from unnest(${tenantId}::text::uuid[], ${id}::text::uuid[], ${delivery}::text::uuid[], ${attempts}::text::int[],
          ${results}::text::jsonb[]) d(tenant_id, id, delivery, attempts, result)
      where j.tenant_id = d.tenant_id and j.id = d.id and j.delivery = d.delivery and j.attempts = d.attempts
        and coalesce(j.status, '') = 'running' returning j.id`,
    { rows: done.length, onSent },
  )
}

const FIRST_PAUSE_S = 2
const LONGEST_PAUSE_S = 3_600

/** Milliseconds before the next attempt: doubled each time, less up to a half by chance, so that what failed together does not return together. */
export function pauseAfter(attempt: number, job: Pick<Job, 'retry'> | undefined, random: () => number): number {
  const first = readDuration(job?.retry.first) ?? FIRST_PAUSE_S
  const most = readDuration(job?.retry.most) ?? LONGEST_PAUSE_S
  const whole = Math.min(most, first * 2 ** Math.min(attempt - 1, 40)) * 1_000
  return Math.round(whole * (1 - random() / 2))
}

export interface Failure {
  /** For whoever looks at the job. */
  readonly words: string
  readonly hopeless: boolean
  /** Milliseconds until the next attempt, where there is one. */
  readonly pauseMs: number
}

/** What became of a run that failed. */
export type Outcome = 'scheduled' | 'dead' | 'lost'

/** Says that a run failed: it is tried again, or dead. With its event, in one transaction, and only where the job is still this run's. */
export async function fail(
  platform: Platform,
  tenant: Tenant | undefined,
  job: Claimed,
  failure: Failure,
): Promise<Outcome> {
  const now = givenTime(platform)
  const dead = failure.hopeless || job.attempt >= job.attempts
  const words = storedText(failure.words, 1_000)
  return platform.database.system(async (system): Promise<Outcome> => {
    const [changed] = await system.run(statement`
      update plinth.background_jobs
      set status = ${dead ? 'dead' : 'scheduled'}::text, error = ${words}::text, delivery = gen_random_uuid(),
        run_at = coalesce(${now}::text::timestamptz, statement_timestamp())
          + make_interval(secs => ${dead ? 0 : failure.pauseMs / 1_000}::text::double precision),
        finished_at = case when ${dead}::boolean then coalesce(${now}::text::timestamptz, statement_timestamp()) end,
        worker = null, lease_until = null, version = version + 1, updated_at = coalesce(${now}::text::timestamptz, statement_timestamp())
      where tenant_id = ${job.tenantId}::uuid and id = ${job.id}::uuid and delivery = ${job.delivery}::uuid
        and attempts = ${job.attempt}::int and coalesce(status, '') = 'running' returning id`)
    if (!changed) return 'lost'
    if (dead && tenant) await announce(platform, 'job.failed', tenant, job, (scope) => system.within(scope))
    return dead ? 'dead' : 'scheduled'
  })
}

type Told = 'job.failed' | 'job.discard'

/** Whether anybody hears of it; what nobody hears is told nobody. */
export function isHeard({ registry: { listened } }: Pick<Platform, 'registry'>, type: Told): boolean {
  return listened.has(type) || listened.has('job.*') || listened.has('*')
}

/** Tells whoever listens that nothing will come of a job by itself any more, or that it is off the list. */
export async function announce(
  platform: Platform,
  type: Told,
  tenant: Tenant,
  job: Pick<Claimed, 'id' | 'type' | 'key' | 'requestId' | 'traceparent'>,
  within: (scope: ReturnType<typeof scopeOf>) => Promise<Transaction>,
): Promise<void> {
  if (!isHeard(platform, type)) return
  const principal = systemPrincipal(platform.registry.permissions, 'job')
  const { requestId, traceparent } = job
  const asked = { principal, tenant, requestId, ...(traceparent !== null && { traceparent }) }
  const transaction = await within(scopeOf(platform, asked))
  await transaction.emit(eventOf(type, job))
}

function eventOf(
  type: string,
  job: Pick<Claimed, 'id' | 'type' | 'key'>,
): { readonly type: string; readonly key: string; readonly data: unknown } {
  return { type, key: `job:${job.id}`, data: { id: job.id, type: job.type, key: job.key } }
}

/**
 * Gives a job back as if it had not been begun: the attempt is not counted.
 * @param held until its tenant is active again; otherwise it waits for the next worker
 */
export async function giveBack(platform: Platform, jobs: readonly Claimed[], held?: string): Promise<void> {
  if (jobs.length === 0) return
  const { delivery, tenantId, id } = columnsOf(jobs)
  await platform.database.systemStatement(statement`
      update plinth.background_jobs j
      set status = ${held === undefined ? 'waiting' : 'held'}::text, error = ${held ?? null}::text, attempts = j.attempts - 1,
        delivery = gen_random_uuid(), worker = null, lease_until = null, waiting_since = clock_timestamp(), version = j.version + 1
      from unnest(${tenantId}::text::uuid[], ${id}::text::uuid[], ${delivery}::text::uuid[]) t(tenant_id, id, delivery)
      where j.tenant_id = t.tenant_id and j.id = t.id and j.delivery = t.delivery
        and coalesce(j.status, '') = 'running'`)
}
