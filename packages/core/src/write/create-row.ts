import type { CreateOperation, RawRow, Stored } from '../ports/database.ts'
import { always } from '../condition/condition.ts'
import { openView } from '../fields/field-view.ts'
import type { FieldInfo, ResourceInfo } from '../resource/resource-info.ts'
import type { FieldWrites } from '../fields/field-writes.ts'
import { refuseFieldsOfNew, refuseFieldsOnNew, storeOwnFields } from '../fields/fields-of-new.ts'
import { newRowId } from '../resource/row-id.ts'
import { concernsTemplates, holdTemplates, settleTemplates } from '../template/settle.ts'
import { refuseForeignGroup } from './owner-group.ts'
import { refuseReferences } from './refuse-references.ts'
import { beforeCreate, runRowHook } from './run-hooks.ts'
import { transactionOf, type WriteParts } from './write-parts.ts'

/**
 * Writes a new row: hooks, references, templates, the statement. The permission was asked before, the values are validated.
 * @throws permission_denied for a field, validation_failed, already_exists, and what hooks refuse with
 */
export async function createRow(
  parts: WriteParts,
  resource: ResourceInfo,
  values: ReadonlyMap<FieldInfo, Stored>,
): Promise<RawRow> {
  const prepared = await prepareRow(parts, resource, values)
  const { operation, asked } = prepared
  const row = await storeOwnFields(parts, operation, asked, (one) => parts.session.create(one))
  return finishRow(parts, prepared, row)
}

export interface PreparedRow {
  readonly operation: CreateOperation
  /** Fields that were given and of which the stored row must be asked. */
  readonly asked: FieldWrites
}

/** All that comes before the statement. */
export async function prepareRow(
  parts: WriteParts,
  resource: ResourceInfo,
  given: ReadonlyMap<FieldInfo, Stored>,
): Promise<PreparedRow> {
  const { registry } = parts.platform
  // What a hook gives beyond it is the word of the product's code.
  const asked = await refuseFieldsOfNew(parts, resource, given)
  const hooked = await beforeCreate(parts, resource, given)
  const values = new Map(hooked)
  refuseForeignGroup(parts, resource, values)
  if (concernsTemplates(registry, resource, values.keys())) {
    const transaction = transactionOf(parts)
    await holdTemplates(registry, resource, transaction)
    await refuseReferences(parts, resource, values)
    await settleTemplates({ registry, resource, transaction, values, current: undefined })
  } else await refuseReferences(parts, resource, values)
  const operation = { resource, id: newRowId(resource, values), ownerUserId: parts.principal.userId, values }
  return { operation, asked }
}

/** All that comes after it. The hook may have changed the row again: the answer is the row as it is stored. */
export async function finishRow(
  parts: WriteParts,
  { operation: { resource }, asked }: PreparedRow,
  row: RawRow,
): Promise<RawRow> {
  await refuseFieldsOnNew(parts, resource, asked, row)
  if (!resource.hooks.afterCreate) return row
  await runRowHook(parts, resource, row, 'afterCreate')
  return (await parts.session.read({ resource, id: String(row.id), visible: always, view: openView(resource) })) ?? row
}
