import type { TenantStatus } from '@plinth/core'

/**
 * The life of a tenant, as data: what is served, what is tested and what the documentation says come from here.
 * `active`: works. `suspended`: may be read, not changed. `closed`: not even read. `pending_deletion`: closed, and gone when its
 * time of grace is over.
 */
export const transitions = {
  suspend: { from: ['active', 'closed'], to: 'suspended', event: 'tenant.suspended' },
  close: { from: ['active', 'suspended'], to: 'closed', event: 'tenant.closed' },
  reactivate: { from: ['suspended', 'closed', 'pending_deletion'], to: 'active', event: 'tenant.reactivated' },
  requestDeletion: {
    from: ['active', 'suspended', 'closed'],
    to: 'pending_deletion',
    event: 'tenant.deletion_requested',
  },
} as const satisfies Record<
  string,
  { readonly from: readonly TenantStatus[]; readonly to: TenantStatus; readonly event: string }
>

export type Transition = keyof typeof transitions

/** Where a transition leads from here; undefined where there is none. */
export function nextStatus(from: TenantStatus, transition: Transition): TenantStatus | undefined {
  const { from: allowed, to } = transitions[transition]
  return (allowed as readonly TenantStatus[]).includes(from) ? to : undefined
}
