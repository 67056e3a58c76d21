import type { ResourceInfo } from '@plinth/core'

/**
 * What the platform's own tables say of their rows, which no value alone can: a membership is named by its user and belongs to him, and
 * roles are a list of names. What ended long ago is swept away, in the middle of a test: it ends in a time that is still to come.
 */
export function fitPlatform(resource: ResourceInfo, values: Record<string, unknown>): void {
  if (resource.origin !== 'platform') return
  if (resource.byKey.get('roles')?.kind.name === 'json')
    values['roles'] = [typeof values['email'] === 'string' ? values['email'] : 'guest']
  for (const { key, kind, platform } of resource.fields) {
    const value = values[key]
    if (kind.name === 'time' && !platform && typeof value === 'string') values[key] = value.replace(/^20[02]/, '206')
  }
  if (resource.sqlName === 'api_keys') {
    // A person's, as all of them: a service's has no role and no owner.
    values['serviceAccountId'] = null
    values['role'] ??= 'user'
    values['ownerUserId'] ??= values['id']
    values['ipRanges'] = []
  }
  if (resource.sqlName === 'webhooks_out') values['events'] = ['*']
  if (resource.sqlName === 'webhook_deliveries') values['log'] = []
  if (resource.sqlName === 'user_roles') {
    // One holder each, of every kind there is.
    const holders = ['userId', 'groupId', 'serviceAccountId']
    const holder = holders[Number.parseInt(String(values['id']).slice(-1), 16) % holders.length]!
    values[holder] ??= values['id']
    for (const other of holders) if (other !== holder) values[other] = null
  }
  if (resource.sqlName !== 'memberships') return
  values['userId'] = values['id']
  values['ownerUserId'] = values['id']
}
