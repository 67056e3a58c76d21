import { statement, type Job, type RawRow, type StatementRunner } from '@plinth/core'
import { columnsOf, deliveryOf, type Delivery } from '../queue/deliveries.ts'
import type { InLine } from '../queue/line.ts'
import type { Parcel } from '../queue/queue.ts'

/** Rows in one step: a step is a few milliseconds, and whoever came meanwhile is in the next. */
export const BATCH = 500
/**
 * From a tenant's tenth job on they go in the order of coming: what was counted behind 249 others would be behind whatever is chosen when half
 * of these are done, and again, until nothing waits any more.
 */
const LAST_TURN = 10

/**
 * What was scheduled and is due waits from now on. How many.
 * @param now null for the clock of the server
 */
export async function promoteDue(system: StatementRunner, now: Date | null): Promise<number> {
  const [row] = await system.run(statement`
    with due as (
      select tenant_id, id from plinth.background_jobs
      where status = 'scheduled' and run_at <= coalesce(${now}::text::timestamptz, statement_timestamp()) order by run_at limit ${BATCH}::int for update skip locked
    ), promoted as (
      update plinth.background_jobs j set status = 'waiting', version = j.version + 1 from due
      where j.tenant_id = due.tenant_id and j.id = due.id and j.status = 'scheduled' returning 1
    ) select count(*)::int as n from promoted`)
  return Number(row?.['n'])
}

/** Jobs of tenants that were suspended wait again when these are active. */
export async function releaseHeld(system: StatementRunner): Promise<number> {
  const [row] = await system.run(statement`
    with released as (
      update plinth.background_jobs j set status = 'waiting', error = null, waiting_since = clock_timestamp(), version = j.version + 1 from plinth.tenants t
      where j.status = 'held' and t.id = j.tenant_id and t.status = 'active' returning 1
    ) select count(*)::int as n from released`)
  return Number(row?.['n'])
}

/**
 * What may go next: of each tenant with waiting jobs the first ones, as many as its window has room for. Tenants are stepped through
 * by their index, so that a tenant's ten thousand waiting jobs cost as much as ten. Of one key only the first, and it only while none
 * of that key is on its way or waits to be tried again. What its limit keeps back is stepped over: chosen and left, a window of it would
 * keep back all that waits behind it. A tenant whose window is full is a row without a job.
 */
async function candidates(
  system: StatementRunner,
  window: number,
  full: readonly string[],
  fullHere: readonly Limited[],
  { served, unmarked }: InLine,
): Promise<readonly RawRow[]> {
  const [types, tenants] = [fullHere.map(({ type }) => type), fullHere.map(({ tenantId }) => tenantId)]
  const line = columnsOf(unmarked)
  return system.run(statement`
    with recursive line as materialized (
      select * from unnest(${line.tenantId}::text::uuid[], ${line.delivery}::text::uuid[]) l(tenant_id, delivery)
    ), in_line as (
      select tenant_id, count(*)::int as n from line group by tenant_id
    ), tenants as (
      (select tenant_id from plinth.background_jobs where status = 'waiting' order by tenant_id limit 1)
      union all
      select (select j.tenant_id from plinth.background_jobs j where j.status = 'waiting' and j.tenant_id > t.tenant_id
              order by j.tenant_id limit 1)
      from tenants t where t.tenant_id is not null
    )
    select t.tenant_id, f.n as flying, c.id, c.delivery, c.type, c.keyed, row_number() over (partition by t.tenant_id order by c.priority desc, c.seq) as place
    from (select tenant_id from tenants where tenant_id not in (select unnest(${served}::text::uuid[]))) t
    left join in_line l on l.tenant_id = t.tenant_id
    cross join lateral (select count(*)::int + coalesce(l.n, 0) as n from plinth.background_jobs j
                        where j.tenant_id = t.tenant_id and j.status in ('queued', 'running')) f
    cross join lateral (select array(select s.type from unnest(${types}::text::text[], ${tenants}::text::uuid[]) s(type, tenant_id)
                                     where s.tenant_id = t.tenant_id) as types) full_here
    left join lateral (
      select j.id, j.delivery, j.type, j.key is not null as keyed, j.priority, j.seq from plinth.background_jobs j
      where j.tenant_id = t.tenant_id and j.status = 'waiting' and j.type <> all (array(select unnest(${full}::text::text[])))
        and j.type <> all (full_here.types) and j.delivery not in (select delivery from line)
        and (j.key is null or not exists (
          select from plinth.background_jobs o
          where o.tenant_id = j.tenant_id and o.key = j.key and o.id <> j.id
            and (o.status in ('queued', 'running')
              or o.seq < j.seq and (o.status in ('waiting', 'held') or o.status = 'scheduled' and o.attempts > 0))))
      order by j.priority desc, j.seq limit greatest(${window}::int - f.n, 0)) c on true
    where c.id is not null or f.n >= ${window}::int
    order by c.id is null, place, t.tenant_id limit ${BATCH}::int`)
}

/** How many of each limited job are on their way: in all, and by tenant. */
async function flying(system: StatementRunner, types: readonly string[]): Promise<Map<string, number>> {
  if (types.length === 0) return new Map()
  const rows = await system.run(statement`
    select type, tenant_id, count(*)::int as n from plinth.background_jobs
    where status in ('queued', 'running') and type in (select unnest(${types}::text::text[])) group by type, tenant_id`)
  const counts = new Map<string, number>()
  for (const row of rows) {
    const [type, n] = [String(row['type']), Number(row['n'])]
    counts.set(type, (counts.get(type) ?? 0) + n)
    counts.set(`${type} ${String(row['tenant_id'])}`, n)
  }
  return counts
}

/** A job of which a tenant runs as many as it may. */
interface Limited {
  readonly type: string
  readonly tenantId: string
}

function fullIn(counts: ReadonlyMap<string, number>, jobs: ReadonlyMap<string, Job>): readonly Limited[] {
  return [...counts].flatMap(([name, n]) => {
    const [type = '', tenantId] = name.split(' ')
    return tenantId !== undefined && n >= (jobs.get(type)?.perTenant ?? Infinity) ? [{ type, tenantId }] : []
  })
}

/** What a step has done. */
export interface Handed {
  readonly promoted: number
  readonly handed: number
  /** Whether a tenant's first job, of which none is on its way, waits to be taken. */
  readonly first: boolean
  readonly crowded: boolean
}

export const isFirst = ({ priority }: Pick<Parcel, 'priority'>): boolean => priority === -1

export interface Chosen extends Parcel {
  /** Whether the turn of others depends on it, by its key or a limit. */
  readonly bound: boolean
}

export interface Choice {
  readonly parcels: readonly Chosen[]
  /** Whether more waits for room in the window of its tenant, or may wait behind what is in the line. */
  readonly crowded: boolean
}

/**
 * Chooses what is handed over now, tenants in turn. How many of a tenant go before is written into the queue's priority: a tenant's
 * first job goes before every other one's second, however many of these are in the queue already.
 * @param inLine what was chosen before and says that it waits all the same: none of it is chosen, and it counts as on its way. Of tenants
 * that are served nothing is
 */
export async function chooseNext(
  system: StatementRunner,
  jobs: ReadonlyMap<string, Job>,
  window: number,
  inLine: InLine = { served: [], unmarked: [] },
): Promise<Choice> {
  const limited = [...jobs.values()].filter((job) => job.concurrency !== undefined || job.perTenant !== undefined)
  const counts = await flying(
    system,
    limited.map((job) => job.name),
  )
  const full = limited.filter((job) => (counts.get(job.name) ?? 0) >= (job.concurrency ?? Infinity))
  const rows = await candidates(
    system,
    window,
    full.map((job) => job.name),
    fullIn(counts, jobs),
    inLine,
  )
  const parcels: Chosen[] = []
  let crowded = inLine.served.length > 0
  for (const row of rows) {
    if (row['id'] === null) {
      crowded = true
      continue
    }
    const [type, tenant] = [String(row['type']), String(row['tenant_id'])]
    const job = jobs.get(type)
    const [inAll, ofTenant] = [type, `${type} ${tenant}`]
    const [all, own] = [counts.get(inAll) ?? 0, counts.get(ofTenant) ?? 0]
    if (all >= (job?.concurrency ?? Infinity) || own >= (job?.perTenant ?? Infinity)) continue
    counts.set(inAll, all + 1)
    counts.set(ofTenant, own + 1)
    parcels.push({
      ...deliveryOf(row),
      priority: -Math.min(Number(row['flying']) + Number(row['place']), LAST_TURN),
      bound: row['keyed'] === true || job?.concurrency !== undefined || job?.perTenant !== undefined,
    })
  }
  return { parcels, crowded }
}

/** In the transaction that puts them into the queue. */
export async function markQueued(system: StatementRunner, parcels: readonly Delivery[]): Promise<void> {
  const { delivery, tenantId, id } = columnsOf(parcels)
  await system.run(statement`
    update plinth.background_jobs j set status = 'queued', queued_at = clock_timestamp(), version = j.version + 1
    from unnest(${tenantId}::text::uuid[], ${id}::text::uuid[], ${delivery}::text::uuid[]) t(tenant_id, id, delivery)
    where j.tenant_id = t.tenant_id and j.id = t.id and j.delivery = t.delivery
      and coalesce(j.status, '') = 'waiting'`)
}
