import { statement, type EnqueueParts, type JobCounts } from '@plinth/core'

/** One statement, and so one moment: a job that is taken by a worker meanwhile is counted once. */
export async function countJobs(
  { transaction, scope }: Pick<EnqueueParts, 'transaction' | 'scope'>,
  key: string,
): Promise<JobCounts> {
  const stored = key.slice(0, 200)
  const [row] = await transaction.run(statement`
    select count(*) filter (where status not in ('running', 'dead'))::int as waiting,
      count(*) filter (where status = 'running')::int as running, count(*) filter (where status = 'dead')::int as dead
    from (
      select status from plinth.background_jobs
      where tenant_id = ${scope.tenantId}::uuid and key = ${stored}::text
        and status in ('scheduled', 'waiting', 'held', 'queued', 'running')
      union all
      select status from plinth.background_jobs
      where tenant_id = ${scope.tenantId}::uuid and key = ${stored}::text and status = 'dead') found`)
  return { waiting: Number(row?.['waiting']), running: Number(row?.['running']), dead: Number(row?.['dead']) }
}
