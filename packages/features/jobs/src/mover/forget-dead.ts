import { givenTime, statement, type Platform } from '@plinth/core'
import type { JobsSettings } from '../options.ts'
import { announce, isHeard } from '../worker/settle.ts'
import { eachByItself, type GoesOn } from './each-by-itself.ts'
import { lostOf } from './give-back-lost.ts'

const BATCH = 500

/**
 * Dead jobs with a key that have had their time, or are too many, are taken off the list as if somebody had discarded them: a row that shows
 * that something of its key is dead would show it for ever. What nobody hears of, and what has no key, the sweep removes.
 */
export async function forgetDead(
  platform: Platform,
  { keepDeadMs, mostDead }: Pick<JobsSettings, 'keepDeadMs' | 'mostDead'>,
  goesOn: GoesOn,
): Promise<void> {
  if (!isHeard(platform, 'job.discard')) return
  const now = givenTime(platform)
  const rows = await platform.database.systemStatement(statement`
    select tenant_id, id from (
      select tenant_id, id, key, finished_at, row_number() over (partition by tenant_id order by created_at desc, id desc) as place
      from plinth.background_jobs where status = 'dead') dead
    where key is not null and (place > ${mostDead}::int
      or finished_at < coalesce(${now}::text::timestamptz, statement_timestamp()) - make_interval(secs => ${keepDeadMs / 1_000}::text::double precision))
    limit ${BATCH}::int`)
  const jobs = rows.map((row) => ({ tenantId: String(row['tenant_id']), id: String(row['id']) }))
  await eachByItself(platform, jobs, ({ tenantId, id }) => forget(platform, tenantId, id), goesOn)
}

async function forget(platform: Platform, tenantId: string, id: string): Promise<void> {
  const tenant = await platform.database.findTenant(tenantId)
  await platform.database.system(async (system) => {
    const [row] = await system.run(statement`
      delete from plinth.background_jobs
      where tenant_id = ${tenantId}::uuid and id = ${id}::uuid and coalesce(status, '') = 'dead'
      returning tenant_id, id, type, key, attempts, request_id, traceparent`)
    if (row && tenant) await announce(platform, 'job.discard', tenant, lostOf(row), (scope) => system.within(scope))
  })
}
