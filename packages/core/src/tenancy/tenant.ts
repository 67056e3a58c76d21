import type { Principal } from '../auth/principal.ts'

export type TenantStatus = 'active' | 'suspended' | 'closed' | 'pending_deletion'

/** One customer of the product, an isolated world of rows. */
export interface Tenant {
  readonly id: string
  /** Short name for URLs and headers, unique. */
  readonly slug: string
  readonly name: string
  readonly status: TenantStatus
  /** Whoever works here must have shown a second factor. */
  readonly requireMfa: boolean
  /** What it has subscribed to, as the operator writes it down; known where a request enters the tenant. */
  readonly plan?: string | null
  readonly tier?: string | null
}

/** What founds a tenant. */
export interface TenantDraft {
  /** Default: a new one. A taken id is an error: it is asked for before. */
  readonly id?: string | undefined
  readonly slug: string
  readonly name: string
}

/** What a user is in one tenant. */
export interface Member {
  readonly status: 'active' | 'suspended'
  readonly groupIds: readonly string[]
  /** Names of roles; what they may do is for the port {@link Roles} to say. */
  readonly roles: readonly string[]
}

/** How the one tenant of a request is found. Fills the tenant slot; the default takes the credential's. */
export interface TenantChooser {
  /**
   * @param wanted what `X-Tenant-ID` says (id or slug). It may only choose among the principal's own tenants.
   * @throws tenant_required, tenant_forbidden
   */
  choose(principal: Principal, wanted: string | undefined, tenants: TenantSource): Promise<Tenant>
  /** The tenant that the host name of a request names, if host names do that here. */
  readonly named?: (host: string | undefined) => string | undefined
}

/** Where tenants are looked up. */
export interface TenantSource {
  findTenant(idOrSlug: string): Promise<Tenant | undefined>
}
