import type { ResourceInfo } from '@plinth/core'

/**
 * What the tables of members say of their rows, which no value alone can: a membership is named by its user and belongs to him, and
 * roles are a list of names.
 */
export function fitMembers(resource: ResourceInfo, values: Record<string, unknown>): void {
  if (resource.origin !== 'platform') return
  if (resource.byKey.get('roles')?.kind.name === 'json')
    values['roles'] = [typeof values['email'] === 'string' ? values['email'] : 'guest']
  if (resource.sqlName !== 'memberships') return
  values['userId'] = values['id']
  values['ownerUserId'] = values['id']
}
