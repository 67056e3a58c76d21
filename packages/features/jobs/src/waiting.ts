import { givenTime, statement, type Job, type Platform } from '@plinth/core'

type Parts = Pick<Platform, 'database' | 'registry' | 'clock'>

export interface Movement {
  /** Whether a worker runs something, or something ended in the last minute. */
  readonly worked: boolean
  /** Seconds since the first job that waits for its time is due and was not moved. */
  readonly overdue: number
}

/** Whether anything moves: what indexes say in a fraction of a millisecond, however much waits. */
export async function lookWhetherItMoves({ database, clock }: Parts): Promise<Movement> {
  const now = givenTime({ clock })
  const [row] = await database.systemStatement(statement`
    select exists (select from plinth.background_jobs where status = 'running' and lease_until > clock_timestamp())
        or exists (select from plinth.background_jobs where status in ('completed', 'dead')
          and finished_at > coalesce(${now}::text::timestamptz, statement_timestamp()) - interval '1 minute') as worked,
      coalesce((select extract(epoch from coalesce(${now}::text::timestamptz, statement_timestamp()) - run_at)
        from plinth.background_jobs where status = 'scheduled' order by run_at limit 1), 0)::float8 as overdue`)
  return { worked: row?.['worked'] === true, overdue: Math.max(0, Number(row?.['overdue'])) }
}

/**
 * For how many seconds the oldest job waits that might run. What waits behind another one of its key, for its tenant or for room under its
 * limit does not count: that is what it was declared for. What runs in a process that is gone waits from the end of its lease on. Reads all
 * that is not finished.
 */
export async function longestWait({ database, registry, clock }: Parts): Promise<number> {
  const now = givenTime({ clock })
  const limited = [...registry.jobs.values()].filter((job) => job.concurrency ?? job.perTenant)
  const limit = (of: 'concurrency' | 'perTenant') => limited.map((job: Job) => String(job[of] ?? 2 ** 31 - 1))
  const [row] = await database.systemStatement(statement`
    with limits as materialized (
      select * from unnest(${limited.map(({ name }) => name)}::text::text[], ${limit('concurrency')}::text::int[],
        ${limit('perTenant')}::text::int[]) l(type, most, per_tenant)
    ), flying as materialized (
      select l.type, l.most, l.per_tenant, j.tenant_id, count(*) as n from limits l join plinth.background_jobs j on j.type = l.type
      where j.status = 'queued' or j.status = 'running' and j.lease_until > clock_timestamp()
      group by l.type, l.most, l.per_tenant, j.tenant_id
    ), full_types as (
      select type from flying group by type, most having sum(n) >= most
    ), full_here as (
      select tenant_id, type from flying where n >= per_tenant
    ), clocks as (
      select statement_timestamp() - coalesce(${now}::text::timestamptz, statement_timestamp()) as shift
    ), waiting as (
      select min(greatest(j.run_at, j.waiting_since - shift)) as since from plinth.background_jobs j, clocks
      where (j.status = 'queued' or j.status = 'waiting' and j.key is null)
        and (j.status = 'queued' or not ((j.tenant_id, j.type) in (select tenant_id, type from full_here) or j.type in (select type from full_types)))
    ), first_of_key as (
      select distinct on (j.tenant_id, j.key) j.tenant_id, j.key, j.type, j.status, greatest(j.run_at, j.waiting_since - shift) as since
      from plinth.background_jobs j, clocks
      where j.key is not null and j.status in ('scheduled', 'waiting', 'held', 'queued', 'running') and (j.status <> 'scheduled' or j.attempts > 0)
      order by j.tenant_id, j.key, j.seq
    ), waiting_first as (
      select min(since) as since from first_of_key f
      where status = 'waiting' and not ((tenant_id, type) in (select tenant_id, type from full_here) or type in (select type from full_types))
        and (tenant_id, key) not in (
          select tenant_id, key from plinth.background_jobs
          where (status = 'queued' or status = 'running' and lease_until > clock_timestamp()) and key is not null)
    ), lost as (
      select min(j.lease_until - shift) as since from plinth.background_jobs j, clocks
      where j.status = 'running' and j.lease_until < clock_timestamp()
    )
    select greatest(0, extract(epoch from coalesce(${now}::text::timestamptz, statement_timestamp())
      - least((select since from waiting), (select since from waiting_first), (select since from lost))))::float8 as oldest`)
  return Number(row?.['oldest'])
}
