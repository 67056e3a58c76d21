import { scopeOf, type Client, type Platform, type Principal, type SystemTransaction, type Tenant } from '@plinth/core'

export interface Announcement {
  readonly principal: Principal
  readonly tenant: Tenant
  readonly requestId: string
  readonly client?: Client
  readonly userId: string
  readonly roles: readonly string[]
}

/** `user.created`, in the tenant that he joins, by whoever made him join. */
export async function announceMember(
  platform: Platform,
  system: SystemTransaction,
  { userId, roles, ...who }: Announcement,
): Promise<void> {
  const transaction = await system.within(scopeOf(platform, who))
  await transaction.emit({ type: 'user.created', key: userId, data: { id: userId, status: 'active', roles } })
}
