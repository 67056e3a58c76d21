import type { Principal } from '../auth/principal.ts'

export type TenantStatus = 'active' | 'suspended' | 'closed' | 'pending_deletion'

/** One customer of the product, an isolated world of rows. */
export interface Tenant {
  readonly id: string
  /** Short name for URLs and headers, unique. */
  readonly slug: string
  readonly name: string
  readonly status: TenantStatus
}

/** How the one tenant of a request is found. Fills the tenant slot; the default takes the credential's. */
export interface TenantChooser {
  /**
   * @param wanted what `X-Tenant-ID` says (id or slug). It may only choose among the principal's own tenants.
   * @throws tenant_required, tenant_forbidden
   */
  choose(principal: Principal, wanted: string | undefined, directory: Directory): Promise<Tenant>
}

/** Where tenants are looked up. */
export interface Directory {
  findTenant(idOrSlug: string): Promise<Tenant | undefined>
}
