import { problem } from '../errors/plinth-error.ts'
import type { Platform } from '../platform/platform.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { Authenticated } from './auth.ts'

/** A request in the one tenant it may touch. */
export interface InTenant extends Authenticated {
  readonly tenant: Tenant
}

/**
 * The tenant comes from the credential; `X-Tenant-ID` may only choose among the principal's own.
 * @throws tenant_required, tenant_forbidden, tenant_suspended
 */
export async function chooseTenant(platform: Platform, authenticated: Authenticated): Promise<InTenant> {
  const tenant = await platform.tenants.choose(
    authenticated.principal,
    authenticated.headers['x-tenant-id'],
    platform.database,
  )
  refuseInactive(tenant)
  return { ...authenticated, tenant }
}

/** @throws tenant_suspended */
export function refuseInactive(tenant: Tenant): void {
  if (tenant.status !== 'active')
    throw problem('tenant_suspended', { detail: `The tenant is ${tenant.status.replace('_', ' ')}.` })
}
