import type { ResourceInfo } from '@plinth/core'

/** A membership is named by its user and belongs to him: constraints of the table say so, whatever the marks would have it be. */
export function fitMembers(resource: ResourceInfo, values: Record<string, unknown>): void {
  if (resource.origin !== 'platform' || resource.sqlName !== 'memberships') return
  values['userId'] = values['id']
  values['ownerUserId'] = values['id']
}
