import { problem } from '../errors/plinth-error.ts'
import type { ChangeOperation, RawRow } from '../ports/database.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'
import { goesSoftly, refuseUsed } from '../template/refuse-used.ts'
import { holdTemplates } from '../template/settle.ts'
import { changedRow } from './changed-row.ts'
import { deleteDependents } from './delete-dependents.ts'
import { deletionNeedsTransaction } from './needs-transaction.ts'
import { runDeleteHooks, runRowHook } from './run-hooks.ts'
import { authoriseLocked, transactionOf, type WriteParts } from './write-parts.ts'

/**
 * Deletes a row and what goes with it; softly where the table says so.
 * @throws not_found, permission_denied, version_mismatch, still_referenced, too_many_rows, and what hooks refuse with
 */
export async function deleteRow(parts: WriteParts, operation: ChangeOperation): Promise<void> {
  const { resource, id, visible } = operation
  const permission = `${resource.name}:delete`
  if (!deletionNeedsTransaction(parts.platform, resource)) {
    changedRow(await parts.session.delete(operation), permission)
    return
  }
  const { registry } = parts.platform
  const transaction = transactionOf(parts)
  if (goesSoftly(registry, resource)) await holdTemplates(registry, resource, transaction)
  // So that nobody attaches a child meanwhile: of a soft deletion the foreign key knows nothing.
  const row = await transaction.lock({ resource, id, visible, strength: 'delete' })
  if (!row) throw problem('not_found')
  await authoriseLocked(parts, row, operation, 'delete')
  await runRowHook(parts, resource, row, 'beforeDelete')
  await deleteDependents(parts, resource, [String(row.id)])
  const result = await transaction.delete({ ...operation, ifVersion: undefined })
  if (result.outcome === 'missing') throw problem('conflict', { detail: 'The row went before its turn came.' })
  changedRow(result, permission)
  if (goesSoftly(registry, resource)) await refuseUsed(registry, resource, [String(row.id)], transaction)
  await runRowHook(parts, resource, row, 'afterDelete')
}

/** The same for rows that are locked and may be deleted. */
export async function deleteLockedRows(
  parts: WriteParts,
  resource: ResourceInfo,
  rows: readonly RawRow[],
): Promise<number> {
  const { registry } = parts.platform
  const transaction = transactionOf(parts)
  const ids = rows.map((row) => String(row.id))
  await runDeleteHooks(parts, resource, rows, 'beforeDelete')
  await deleteDependents(parts, resource, ids)
  const deleted = await transaction.deleteMany({ resource, ids, event: 'deleted' })
  if (deleted !== rows.length) throw problem('conflict', { detail: 'A row went before its turn came.' })
  if (goesSoftly(registry, resource)) await refuseUsed(registry, resource, ids, transaction)
  await runDeleteHooks(parts, resource, rows, 'afterDelete')
  return deleted
}
