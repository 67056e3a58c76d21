import { problem } from '../errors/plinth-error.ts'
import type { ChangeOperation, RawRow, UpdateOperation } from '../ports/database.ts'
import { admits } from '../resource/admitted.ts'
import { fieldOf, type ResourceInfo } from '../resource/resource-info.ts'
import type { Values } from './immutable-fields.ts'
import { deniedRow, type WriteParts } from './write-parts.ts'

/**
 * A row may be given to a group of one's own, or to none. Another tenant's group, one that never was, and one of this tenant that
 * the principal is not in are refused alike, so that nobody can find out which groups there are.
 * @throws validation_failed (`reference_not_found`)
 */
export function refuseForeignGroup(parts: WriteParts, resource: ResourceInfo, values: UpdateOperation['values']): void {
  const group = values.get(fieldOf(resource, 'ownerGroupId'))
  if (typeof group !== 'string' || parts.principal.kind === 'system') return
  if (parts.principal.groupIds.includes(group)) return
  const message = 'There is no such group to give the row to'
  throw problem('validation_failed', { errors: [{ path: '/ownerGroupId', code: 'reference_not_found', message }] })
}

/**
 * The same of a change, under the lock of the row. The group that the row has already may be said again (what GET gave can be
 * PUT), and the row must still be one that the principal may change, as WITH CHECK of a policy asks: else he could push rows
 * out of his scope into somebody else's.
 * @throws validation_failed, permission_denied
 */
export async function settleOwnerGroup(
  parts: WriteParts,
  { resource, allowed }: ChangeOperation,
  current: RawRow,
  values: Values,
): Promise<void> {
  const field = fieldOf(resource, 'ownerGroupId')
  const group = values.get(field)
  if (group === undefined) return
  if (group === current[field.key]) {
    values.delete(field)
    return
  }
  refuseForeignGroup(parts, resource, values)
  const after: RawRow = { ...current, ownerGroupId: typeof group === 'string' ? group : null }
  if (!(await admits(parts.session, resource, after, allowed, parts.scope.facts))) throw deniedRow(resource, 'update')
}
