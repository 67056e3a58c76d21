import { statement, type Database } from '@plinth/core'
import { columnsOf, deliveryOf, type Delivery } from '../queue/deliveries.ts'
import type { Line } from '../queue/line.ts'
import type { Queue } from '../queue/queue.ts'

const BATCH = 500

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
      update plinth.background_jobs j set status = 'waiting', delivery = gen_random_uuid(), version = j.version + 1
      from unnest(${tenantId}::text::uuid[], ${id}::text::uuid[], ${delivery}::text::uuid[]) t(tenant_id, id, delivery)
      where j.tenant_id = t.tenant_id and j.id = t.id and j.delivery = t.delivery
        and coalesce(j.status, '') = 'queued' returning j.id`)
  return again.length
}
