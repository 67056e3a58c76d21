import { givenTime, statement, type Platform, type RawRow } from '@plinth/core'
import { jobMetrics } from '../job-metrics.ts'
import { jobLogEvents } from '../log-events.ts'
import type { Claimed } from '../worker/claim.ts'
import { factsOf } from '../worker/run-job.ts'
import { announce } from '../worker/settle.ts'
import { eachByItself, type GoesOn } from './each-by-itself.ts'

const BATCH = 500
const WHY = 'The process that ran it is gone.'

type Lost = Pick<Claimed, 'tenantId' | 'id' | 'type' | 'key' | 'attempt' | 'requestId' | 'traceparent'>

/**
 * Jobs whose worker has said nothing for the time of its lease wait again, under another delivery: what it still writes of them finds
 * no row. What has no attempt left is dead, so that a job that kills its process does not kill one after the other for ever. Nobody else
 * tells of either: the process that could is gone.
 */
export async function giveBackLost(platform: Platform, goesOn: GoesOn): Promise<void> {
  const rows = await platform.database.systemStatement(statement`
      with lost as (
        select tenant_id, id from plinth.background_jobs
        where status = 'running' and lease_until < clock_timestamp() and attempts < max_attempts limit ${BATCH}::int for update skip locked
      )
      update plinth.background_jobs j
      set status = 'waiting', error = ${WHY}::text, delivery = gen_random_uuid(), worker = null, lease_until = null,
        waiting_since = clock_timestamp(), version = j.version + 1, updated_at = now()
      from lost where j.tenant_id = lost.tenant_id and j.id = lost.id and j.status = 'running'
      returning j.tenant_id, j.id, j.type, j.key, j.attempts, j.request_id, j.traceparent`)
  for (const job of rows.map(lostOf)) {
    jobMetrics(platform).ended(job.type, 'lost')
    platform.log.warn(jobLogEvents.jobGivenBack, factsOf(job))
  }
  await buryDying(platform, goesOn)
}

/** Each with its event in a transaction of its own: one whose event cannot be told keeps no other from being told of, nor the mover from its work. */
async function buryDying(platform: Platform, goesOn: GoesOn): Promise<void> {
  // By chance, so that those that cannot be said dead are not the first ones each time.
  const dying = await platform.database.systemStatement(statement`
      select tenant_id, id from plinth.background_jobs
      where status = 'running' and lease_until < clock_timestamp() and attempts >= max_attempts order by random() limit ${BATCH}::int`)
  const jobs = dying.map((row) => ({ tenantId: String(row['tenant_id']), id: String(row['id']) }))
  await eachByItself(platform, jobs, ({ tenantId, id }) => bury(platform, tenantId, id), goesOn)
}

async function bury(platform: Platform, tenantId: string, id: string): Promise<void> {
  // Before the transaction: the embedded database has one session, where what is asked beside a transaction waits for its end, and it for
  // the answer.
  const tenant = await platform.database.findTenant(tenantId)
  const now = givenTime(platform)
  const dead = await platform.database.system(async (system) => {
    const [row] = await system.run(statement`
      update plinth.background_jobs
      set status = 'dead', error = ${WHY}::text, delivery = gen_random_uuid(), worker = null, lease_until = null, version = version + 1,
        finished_at = coalesce(${now}::text::timestamptz, statement_timestamp()), updated_at = coalesce(${now}::text::timestamptz, statement_timestamp())
      where tenant_id = ${tenantId}::uuid and id = ${id}::uuid and coalesce(status, '') = 'running'
        and lease_until < clock_timestamp() and attempts >= max_attempts
      returning tenant_id, id, type, key, attempts, request_id, traceparent`)
    if (!row) return undefined
    const job = lostOf(row)
    if (tenant) await announce(platform, 'job.failed', tenant, job, (scope) => system.within(scope))
    return job
  })
  if (!dead) return
  jobMetrics(platform).ended(dead.type, 'dead')
  platform.log.error(jobLogEvents.jobDead, { ...factsOf(dead), error: new Error(WHY) })
}

/** Of a row that was changed or deleted. */
export function lostOf(row: RawRow): Lost {
  const text = (name: string): string | null => (row[name] === null ? null : String(row[name]))
  return {
    tenantId: String(row['tenant_id']),
    id: String(row['id']),
    type: String(row['type']),
    key: text('key'),
    attempt: Number(row['attempts']),
    requestId: String(row['request_id']),
    traceparent: text('traceparent'),
  }
}
