import { asksRow, fieldWrites, type Writer } from '../fields/field-writes.ts'
import { asksNewRow } from '../fields/fields-of-new.ts'
import type { Platform } from '../platform/platform.ts'
import type { FieldInfo, ResourceInfo } from '../resource/resource-info.ts'
import { goesSoftly } from '../template/refuse-used.ts'
import { concernsTemplates } from '../template/settle.ts'
import { childrenOf, deletionConcerns, isSoft, parentOf, softReferences } from './family.ts'
import { hasHook } from './run-hooks.ts'

/*
 * A write is one statement wherever one statement can be right. It is not where hooks run, where templates bear on it, and where
 * rows of other tables must be held while it happens.
 */

/** What a new row is asked about its restricted fields is asked of it as it is stored, and may take it back. */
export function creationNeedsTransaction(
  writer: Writer,
  resource: ResourceInfo,
  fields: readonly FieldInfo[],
): boolean {
  const { registry } = writer.platform
  return (
    asksNewRow(writer, resource, fields) ||
    hasHook(resource, 'beforeCreate', 'afterCreate') ||
    concernsTemplates(registry, resource, fields) ||
    fields.some((field) => isSoftReference(registry, field))
  )
}

/**
 * A reference of a change may be the one that the row has already, which is never refused, and a restricted field may be his to give
 * on some rows only: so the row is needed.
 */
export function changeNeedsTransaction(
  writer: Writer,
  resource: ResourceInfo,
  id: string,
  fields: readonly FieldInfo[],
): boolean {
  const { registry } = writer.platform
  return (
    asksRow(fieldWrites(writer, resource, id), fields) ||
    hasHook(resource, 'beforeUpdate', 'afterUpdate') ||
    // Whose the row is now decides whether it may be given away.
    fields.some((field) => field.key === 'ownerGroupId') ||
    concernsTemplates(registry, resource, fields) ||
    fields.some((field) => isSoftReference(registry, field))
  )
}

export function deletionNeedsTransaction({ registry }: Platform, resource: ResourceInfo): boolean {
  return (
    hasHook(resource, 'beforeDelete', 'afterDelete') ||
    goesSoftly(registry, resource) ||
    deletionConcerns(registry, resource)
  )
}

export function restorationNeedsTransaction({ registry }: Platform, resource: ResourceInfo): boolean {
  return (
    hasHook(resource, 'beforeRestore', 'afterRestore') ||
    softReferences(registry, resource).length > 0 ||
    childrenOf(registry, resource).some((child) => child.onDelete === 'cascade' && isSoft(child.resource))
  )
}

function isSoftReference(registry: Platform['registry'], field: FieldInfo): boolean {
  const parent = parentOf(registry, field)
  return parent !== undefined && isSoft(parent)
}
