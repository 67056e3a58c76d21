import { always } from '../condition/condition.ts'
import { problem } from '../errors/plinth-error.ts'
import type { RawRow, UpdateOperation } from '../ports/database.ts'
import { fieldWrites, refuseFields, unwritable, unwritableOn } from '../fields/field-writes.ts'
import { openView } from '../fields/field-view.ts'
import { keepId } from '../resource/row-id.ts'
import { changedRow } from './changed-row.ts'
import { changeNeedsTransaction } from './needs-transaction.ts'
import { concernsTemplates, holdTemplates, settleTemplates } from '../template/settle.ts'
import { settleOwnerGroup } from './owner-group.ts'
import { refuseReferences } from './refuse-references.ts'
import { afterUpdate, beforeUpdate } from './run-hooks.ts'
import { authoriseLocked, transactionOf, type WriteParts } from './write-parts.ts'

/**
 * Changes a row. A change of nothing changes nothing, not even the version, and runs no hook.
 * @throws not_found, permission_denied, version_mismatch, validation_failed, already_exists, and what hooks refuse with
 */
export async function updateRow(parts: WriteParts, operation: UpdateOperation): Promise<RawRow> {
  const { resource, id, visible, values } = operation
  const writes = fieldWrites(parts, resource, id)
  refuseFields(resource, unwritable(writes, values.keys()))
  const permission = `${resource.name}:update`
  if (values.size === 0) return changedRow(await parts.session.probe(operation), permission)
  if (!changeNeedsTransaction(parts, resource, id, [...values.keys()])) {
    await refuseReferences(parts, resource, values)
    return changedRow(await parts.session.update(operation), permission)
  }
  const { registry } = parts.platform
  const transaction = transactionOf(parts)
  // Before any row lock, or two could wait for each other. A hook may bring templates in, so where there is one they are held.
  const templates = (fields: Iterable<(typeof resource.fields)[number]>): boolean =>
    concernsTemplates(registry, resource, fields)
  if (templates(resource.hooks.beforeUpdate ? resource.fields : values.keys()))
    await holdTemplates(registry, resource, transaction)
  const current = await transaction.lock({ resource, id, visible })
  if (!current) throw problem('not_found')
  await authoriseLocked(parts, current, operation, 'update')
  refuseFields(resource, await unwritableOn(writes, values.keys(), current, { resource, writer: parts }))
  const changed = new Map(await beforeUpdate(parts, resource, current, values))
  keepId(resource, String(current.id), changed)
  await settleOwnerGroup(parts, operation, current, changed)
  if (changed.size === 0) return current
  await refuseReferences(parts, resource, changed, current)
  if (templates(changed.keys())) await settleTemplates({ registry, resource, transaction, values: changed, current })
  // The version was compared under the lock; a hook that wrote the row itself has moved it on.
  const row = changedRow(await transaction.update({ ...operation, values: changed, ifVersion: undefined }), permission)
  if (!resource.hooks.afterUpdate) return row
  await afterUpdate(parts, resource, row, current)
  return (await transaction.read({ resource, id, visible: always, view: openView(resource) })) ?? row
}
