import { statement, type Database, type Platform, type Tenant } from '@plinth/core'
import { columnsOf, deliveryOf, type Delivery } from '../queue/deliveries.ts'
import type { Line } from '../queue/line.ts'
import type { Queue } from '../queue/queue.ts'
import { announceDeath } from '../worker/settle.ts'

const BATCH = 500

/**
 * Jobs whose worker has said nothing for the time of its lease wait again, under another delivery: what it still writes of them finds
 * no row. What has no attempt left is dead, so that a job that kills its process does not kill one after the other for ever.
 */
export async function giveBackLost(platform: Platform): Promise<number> {
  const tenants = await tenantsOfDying(platform)
  return platform.database.system(async (system) => {
    const rows = await system.run(statement`
      with lost as (
        select tenant_id, id from plinth.background_jobs
        where status = 'running' and lease_until < clock_timestamp()
          and (attempts < max_attempts or tenant_id in (select unnest(${[...tenants.keys()]}::text::uuid[]))) limit ${BATCH}::int for update skip locked
      )
      update plinth.background_jobs j
      set status = case when j.attempts < j.max_attempts then 'waiting' else 'dead' end,
        error = 'The process that ran it is gone.', delivery = gen_random_uuid(), worker = null, lease_until = null,
        waiting_since = clock_timestamp(), finished_at = case when j.attempts < j.max_attempts then null else now() end,
        version = j.version + 1, updated_at = now()
      from lost where j.tenant_id = lost.tenant_id and j.id = lost.id and j.status = 'running'
      returning j.tenant_id, j.id, j.type, j.key, j.request_id, j.traceparent, j.status`)
    for (const row of rows.filter(({ status }) => status === 'dead')) {
      const tenant = tenants.get(String(row['tenant_id']))
      const text = (name: string): string | null => (row[name] === null ? null : String(row[name]))
      const [key, traceparent] = [text('key'), text('traceparent')]
      const requestId = String(row['request_id'])
      const job = { id: String(row['id']), type: String(row['type']), key, requestId, traceparent }
      if (tenant) await announceDeath(platform, tenant, job, (scope) => system.within(scope))
    }
    return rows.length
  })
}

/**
 * Asked before the transaction that needs them: the embedded database has one session, where what is asked beside a transaction waits for
 * its end, and it for the answer.
 */
async function tenantsOfDying({ database }: Platform): Promise<ReadonlyMap<string, Tenant | undefined>> {
  const rows = await database.systemStatement(statement`
      select distinct tenant_id from plinth.background_jobs
      where status = 'running' and lease_until < clock_timestamp() and attempts >= max_attempts limit ${BATCH}::int`)
  const tenants = new Map<string, Tenant | undefined>()
  for (const id of rows.map((row) => String(row['tenant_id']))) tenants.set(id, await database.findTenant(id))
  return tenants
}

/** Where handed over jobs are. */
export interface Places {
  readonly queue: Queue
  readonly line: Pick<Line, 'has'>
}

/** By its clock it is said when a job was handed over. */
export async function serverTime(database: Database): Promise<Date> {
  const [row] = await database.systemStatement(
    statement`select (extract(epoch from clock_timestamp()) * 1000)::float8 as now`,
  )
  return new Date(Number(row?.['now']))
}

/**
 * Jobs that were handed over and are nowhere (the queue was made anew, the process in whose line they were is gone), or were taken by a worker
 * that died before it could say so, are handed over again.
 * @param before handed over earlier than this: by the clock of the server
 * @param most rows of one look; what is in the line is among them
 */
export async function giveBackMissing(
  database: Database,
  { queue, line }: Places,
  before: Date,
  most = BATCH,
): Promise<number> {
  for (let given = 0; ;) {
    const rows = await database.systemStatement(statement`
      select j.tenant_id, j.id, j.delivery from plinth.background_jobs j
      where j.status = 'queued' and j.queued_at < ${before}::text::timestamptz and not exists (
        select from plinth_queue.job q where q.name = 'jobs' and q.id = j.delivery and q.state < 'active')
      limit ${most}::int`)
    const missing = rows.map(deliveryOf).filter(({ delivery }) => !line.has(delivery))
    given += await waitAgain(database, missing)
    await queue.drop(missing.map(({ delivery }) => delivery))
    if (rows.length < most || missing.length === 0) return given
  }
}

/** What was handed over and not claimed waits again, under another delivery. How many. */
export async function waitAgain(database: Database, deliveries: readonly Delivery[]): Promise<number> {
  if (deliveries.length === 0) return 0
  const { delivery, tenantId, id } = columnsOf(deliveries)
  const again = await database.systemStatement(statement`
      update plinth.background_jobs j set status = 'waiting', delivery = gen_random_uuid()
      from unnest(${tenantId}::text::uuid[], ${id}::text::uuid[], ${delivery}::text::uuid[]) t(tenant_id, id, delivery)
      where j.tenant_id = t.tenant_id and j.id = t.id and j.delivery = t.delivery
        and coalesce(j.status, '') = 'queued' returning j.id`)
  return again.length
}
