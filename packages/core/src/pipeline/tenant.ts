import type { Principal } from '../auth/principal.ts'
import { problem } from '../errors/plinth-error.ts'
import type { Platform } from '../platform/platform.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { Authenticated } from './auth.ts'
import type { Received } from './request.ts'

/** A request in the one tenant it may touch. */
export interface InTenant extends Authenticated {
  readonly tenant: Tenant
}

/** @throws tenant_required, tenant_forbidden, tenant_suspended */
export async function chooseTenant(platform: Platform, authenticated: Authenticated): Promise<InTenant> {
  return { ...authenticated, tenant: await tenantOf(platform, authenticated.principal, authenticated) }
}

/**
 * The tenant comes from the credential; `X-Tenant-ID` may only choose among the principal's own.
 * @throws tenant_required, tenant_forbidden, tenant_suspended
 */
export async function tenantOf(platform: Platform, principal: Principal, { headers }: Received): Promise<Tenant> {
  const tenant = await platform.tenants.choose(principal, headers['x-tenant-id'], platform.database)
  refuseInactive(tenant)
  return tenant
}

/** @throws tenant_suspended */
export function refuseInactive(tenant: Tenant): void {
  if (tenant.status !== 'active')
    throw problem('tenant_suspended', { detail: `The tenant is ${tenant.status.replace('_', ' ')}.` })
}
