import type { Condition, Facts } from '../condition/condition.ts'
import { problem } from '../errors/plinth-error.ts'
import type { RawRow } from '../ports/database.ts'
import { holdsFor } from './holds-for.ts'
import type { ResourceInfo } from './resource-info.ts'

/**
 * May this principal create a row that he would own? A scope speaks of owners: `note:create:group` is no right to make a row
 * that belongs to no group.
 * @throws permission_denied
 */
export function refuseOutOfScope(resource: ResourceInfo, allowed: Condition, facts: Facts): void {
  if (allowed.kind === 'always') return
  const owned: RawRow = { ownerUserId: facts.userId, ownerGroupId: null }
  if (holdsFor(resource, owned, allowed, facts)) return
  throw problem('permission_denied', { detail: `This needs the permission ${resource.name}:create in a wider scope.` })
}
