import type { Condition } from '../condition/condition.ts'
import { problem } from '../errors/plinth-error.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'
import { goesSoftly } from '../template/refuse-used.ts'
import { holdTemplates } from '../template/settle.ts'
import { deletionConcerns } from './family.ts'
import { deleteLockedRows } from './delete-row.ts'
import { hasHook } from './run-hooks.ts'
import { transactionOf, type WriteParts } from './write-parts.ts'

/** Rows at a time: what one statement locks, and what memory holds. */
const BATCH = 500
/** Rows that one request may clear: each has a record and an event, and the transaction holds them all. */
export const MOST_CLEARED = 100_000

/**
 * Deletes every row of a condition, in batches of one transaction: all or none. Newest first, so that rows that refer to older ones
 * of their own table go before these.
 * @returns how many
 * @throws still_referenced, permission_denied, too_many_rows
 */
export async function clearRows(parts: WriteParts, resource: ResourceInfo, where: Condition): Promise<number> {
  const { registry } = parts.platform
  const transaction = transactionOf(parts)
  if (goesSoftly(registry, resource)) await holdTemplates(registry, resource, transaction)
  const whole = hasHook(resource, 'beforeDelete', 'afterDelete') || deletionConcerns(registry, resource)
  const fields = whole ? resource.fields : [resource.byKey.get('id')!]
  let deleted = 0
  for (;;) {
    const rows = await transaction.lockMany({
      resource,
      where,
      strength: 'delete',
      limit: BATCH,
      newestFirst: true,
      fields,
    })
    // Not "fewer than asked for": rows that somebody else deleted while we waited for their lock are missing from the batch.
    if (rows.length === 0) return deleted
    deleted += await deleteLockedRows(parts, resource, rows)
    if (deleted >= MOST_CLEARED) {
      throw problem('too_many_rows', { detail: `At most ${MOST_CLEARED} rows are cleared at once.` })
    }
  }
}
