import type { Condition, Facts } from '../condition/condition.ts'
import { problem } from '../errors/plinth-error.ts'
import type { RawRow, Stored } from '../ports/database.ts'
import { holdsFor } from './holds-for.ts'
import { fieldOf, type FieldInfo, type ResourceInfo } from './resource-info.ts'

/**
 * May this principal create a row that he, and this group, would own? A scope speaks of owners: `note:create:group` is no right to
 * make a row that belongs to no group.
 * @throws permission_denied
 */
export function refuseOutOfScope(
  resource: ResourceInfo,
  allowed: Condition,
  facts: Facts,
  ownerGroupId: string | null = null,
): void {
  if (allowed.kind === 'always') return
  const owned: RawRow = { ownerUserId: facts.userId, ownerGroupId }
  if (holdsFor(resource, owned, allowed, facts)) return
  const asked = `${resource.name}:create`
  throw problem('permission_denied', { detail: `This needs the permission ${asked} in a wider scope.`, asked })
}

/**
 * The values of a new row with the group that owns it: the one that is given; else, where only a row of a group may be created
 * and the principal has one group, that one; else none.
 * @throws permission_denied; validation_failed where he has several groups and names none
 */
export function withOwnerGroup(
  resource: ResourceInfo,
  allowed: Condition,
  facts: Facts,
  values: ReadonlyMap<FieldInfo, Stored>,
): Map<FieldInfo, Stored> {
  const field = fieldOf(resource, 'ownerGroupId')
  const given = values.get(field)
  const owned = new Map(values)
  const [only, ...others] = facts.groupIds
  if (given === undefined && only !== undefined && allowed.kind !== 'always') {
    const inGroup = (group: string | null): boolean =>
      holdsFor(resource, { ownerUserId: facts.userId, ownerGroupId: group }, allowed, facts)
    if (!inGroup(null) && inGroup(only)) {
      if (others.length > 0) {
        const message = 'You are in several groups: say which one the row belongs to'
        throw problem('validation_failed', { errors: [{ path: '/ownerGroupId', code: 'required', message }] })
      }
      owned.set(field, only)
    }
  }
  refuseOutOfScope(resource, allowed, facts, owned.get(field) ?? null)
  return owned
}
