import {
  fieldView,
  givenTime,
  jsonAnswer,
  lockedRow,
  problem,
  refuseQuery,
  rowPrinter,
  statement,
  type Call,
  type SystemTransaction,
  type TextAnswer,
} from '@plinth/core'
import { jobMetrics } from '../job-metrics.ts'
import { backgroundJobs } from '../job-resource.ts'

export type Change = 'retry' | 'cancel' | 'redrive' | 'discard'

const from: Readonly<Record<Change, readonly string[]>> = {
  retry: ['dead', 'cancelled', 'scheduled'],
  cancel: ['scheduled', 'waiting', 'held', 'queued', 'running'],
  redrive: ['dead'],
  discard: ['dead'],
}

/**
 * In one transaction with its event. The statement asks for the status again: between the lock and it nothing can come, and whoever
 * takes the lock away from it is found by a test.
 * @throws not_found, permission_denied, version_mismatch, conflict
 */
export async function changeJob(call: Call, change: Change, poke: () => void): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, request, scope } = call
  const resource = platform.registry.byTable.get(backgroundJobs)!
  return call.transactAsSystem(async (system, transaction) => {
    const row = await lockedRow(call, transaction, resource)
    const [id, status] = [String(row['id']), String(row['status'])]
    // A letter that is not among the dead is not there.
    if ((change === 'redrive' || change === 'discard') && status !== 'dead') throw problem('not_found')
    const now = givenTime(platform)
    const changed =
      change === 'cancel' || change === 'discard'
        ? await end(system, scope.tenantId, id, change, now)
        : await begin(system, scope.tenantId, id, change, now)
    if (!changed) throw problem('conflict', { detail: `The job is ${status}.` })
    const data = { id, type: String(row['type']), key: (row['key'] ?? null) as string | null }
    await transaction.emit({ type: `job.${change}`, key: `job:${id}`, data })
    if (change === 'retry' || change === 'redrive') transaction.afterCommit(poke)
    if (change === 'cancel') transaction.afterCommit(() => jobMetrics(platform).ended(data.type, 'cancelled'))
    const view = fieldView(platform.registry, request.principal, resource)
    const changedRow = await transaction.read({ resource, id, visible: call.visible, view })
    const printer = rowPrinter(resource, view)
    return jsonAnswer(200, printer.print(changedRow!), { etag: printer.etag(changedRow!) })
  })
}

/** All attempts anew; of one that waits to be tried again those that are left. */
async function begin(
  system: SystemTransaction,
  tenantId: string,
  id: string,
  change: 'retry' | 'redrive',
  now: Date | null,
): Promise<boolean> {
  const rows = await system.run(statement`
    update plinth.background_jobs
    set status = 'waiting', attempts = case when status = 'scheduled' then attempts else 0 end, delivery = gen_random_uuid(),
      run_at = coalesce(${now}::text::timestamptz, statement_timestamp()), finished_at = null, progress = null, note = null,
      version = version + 1, updated_at = coalesce(${now}::text::timestamptz, statement_timestamp())
    where tenant_id = ${tenantId}::uuid and id = ${id}::uuid and coalesce(status, '') in (select unnest(${from[change]}::text::text[])) returning id`)
  return rows.length > 0
}

/** Its delivery changes, so that whoever runs it finds that it is not his any more. */
async function end(
  system: SystemTransaction,
  tenantId: string,
  id: string,
  change: 'cancel' | 'discard',
  now: Date | null,
): Promise<boolean> {
  const rows = await system.run(statement`
    update plinth.background_jobs
    set status = ${change === 'cancel' ? 'cancelled' : 'discarded'}::text, delivery = gen_random_uuid(), lease_until = null,
      finished_at = coalesce(${now}::text::timestamptz, statement_timestamp()), version = version + 1, updated_at = coalesce(${now}::text::timestamptz, statement_timestamp())
    where tenant_id = ${tenantId}::uuid and id = ${id}::uuid and coalesce(status, '') in (select unnest(${from[change]}::text::text[])) returning id`)
  return rows.length > 0
}
