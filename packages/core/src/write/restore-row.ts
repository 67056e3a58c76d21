import { always, and, compare, oneOf } from '../condition/condition.ts'
import { problem, type InputFault } from '../errors/plinth-error.ts'
import { isoTime } from '../columns/kinds.ts'
import { pointer } from '../input/validate.ts'
import type { ChangeOperation, RawRow } from '../ports/database.ts'
import { admittedAmong } from '../resource/admitted.ts'
import { permitted } from '../resource/reading-context.ts'
import { openView } from '../fields/field-view.ts'
import type { FieldInfo, ResourceInfo } from '../resource/resource-info.ts'
import { changedRow } from './changed-row.ts'
import { MOST_DEPENDENTS } from './delete-dependents.ts'
import { childrenOf, isSoft, isTemplateLink, parentOf, softReferences } from './family.ts'
import { restorationNeedsTransaction } from './needs-transaction.ts'
import { runDeleteHooks, runRowHook } from './run-hooks.ts'
import { authoriseLocked, deniedRow, transactionOf, type WriteParts } from './write-parts.ts'

/**
 * Brings a softly deleted row back, and with it the children that went with it: those of `cascade` that bear the same time of
 * deletion. A child that belongs to another deleted row as well stays until that one is back, too.
 * @throws not_found, permission_denied, version_mismatch, not_deleted, parent_deleted, already_exists, too_many_rows
 */
export async function restoreRow(parts: WriteParts, operation: ChangeOperation): Promise<RawRow> {
  const { resource, id, visible } = operation
  const permission = `${resource.name}:restore`
  if (!restorationNeedsTransaction(parts.platform, resource)) {
    return changedRow(await parts.session.restore(operation), permission)
  }
  const transaction = transactionOf(parts)
  const row = await transaction.lock({ resource, id, visible, state: 'any' })
  if (!row) throw problem('not_found')
  await authoriseLocked(parts, row, operation, 'restore')
  if (row.deletedAt == null) throw problem('not_deleted')
  await runRowHook(parts, resource, row, 'beforeRestore')
  const orphaned = await orphanedBy(parts, resource, [row])
  const fields = orphaned.get(row)
  if (fields) throw problem('parent_deleted', { errors: fields.map(faultOf) })
  const restored = changedRow(await transaction.restore({ ...operation, ifVersion: undefined }), permission)
  await restoreChildren(parts, resource, [String(row.id)], isoTime(String(row.deletedAt)), { rows: 0 })
  if (!resource.hooks.afterRestore) return restored
  await runRowHook(parts, resource, restored, 'afterRestore')
  return (await transaction.read({ resource, id, visible: always, view: openView(resource) })) ?? restored
}

function faultOf(field: FieldInfo): InputFault {
  return { path: pointer([field.key]), code: 'parent_deleted', message: 'The row that this refers to is deleted' }
}

async function restoreChildren(
  parts: WriteParts,
  parent: ResourceInfo,
  ids: readonly string[],
  deletedAt: string,
  restored: { rows: number },
): Promise<void> {
  const transaction = transactionOf(parts)
  for (const { resource, field, onDelete } of childrenOf(parts.platform.registry, parent)) {
    if (onDelete !== 'cascade' || !isSoft(resource)) continue
    const found = await transaction.lockMany({
      resource,
      where: and(oneOf(field.key, ids), compare('deletedAt', 'eq', deletedAt)),
      strength: 'change',
      state: 'deleted',
      limit: MOST_DEPENDENTS + 1,
    })
    const orphaned = await orphanedBy(parts, resource, found)
    const rows = found.filter((row) => !orphaned.has(row))
    if (rows.length === 0) continue
    restored.rows += rows.length
    if (restored.rows > MOST_DEPENDENTS) {
      throw problem('too_many_rows', { detail: `At most ${MOST_DEPENDENTS} rows come back with one.` })
    }
    const allowed = permitted(parts, resource, 'restore')
    const admitted = await admittedAmong(transaction, resource, rows, allowed, parts.scope.facts)
    if (admitted.length < rows.length) throw deniedRow(resource, 'restore')
    await runDeleteHooks(parts, resource, rows, 'beforeRestore')
    const own = rows.map((row) => String(row.id))
    await transaction.restoreMany({ resource, ids: own, event: 'restored' })
    await restoreChildren(parts, resource, own, deletedAt, restored)
    await runDeleteHooks(parts, resource, rows, 'afterRestore')
  }
}

/**
 * Which rows refer to a deleted one, and by which fields. Parents that live are kept alive until the end of the transaction. What
 * is pinned to a template keeps what that said and does not need it.
 */
async function orphanedBy(
  parts: WriteParts,
  resource: ResourceInfo,
  rows: readonly RawRow[],
): Promise<ReadonlyMap<RawRow, readonly FieldInfo[]>> {
  const { registry } = parts.platform
  const orphaned = new Map<RawRow, FieldInfo[]>()
  for (const field of softReferences(registry, resource)) {
    const parent = parentOf(registry, field)!
    const pinned = (row: RawRow): boolean => isTemplateLink(registry, resource, field) && row.inheritance === 'pinned'
    const itself = (row: RawRow): boolean => parent === resource && row[field.key] === row.id
    const bound = rows.filter((row) => row[field.key] != null && !pinned(row) && !itself(row))
    if (bound.length === 0) continue
    const ids = [...new Set(bound.map((row) => String(row[field.key])))]
    const where = oneOf('id', ids)
    const alive = await transactionOf(parts).lockMany({
      resource: parent,
      where,
      strength: 'keep',
      limit: MOST_DEPENDENTS + 1,
    })
    const live = new Set(alive.map((each) => String(each.id)))
    for (const row of bound) {
      if (live.has(String(row[field.key]))) continue
      orphaned.set(row, [...(orphaned.get(row) ?? []), field])
    }
  }
  return orphaned
}
