import type { Principal } from '../auth/principal.ts'
import { problem } from '../errors/plinth-error.ts'
import { logEvents } from '../logging/events.ts'
import type { Platform } from '../platform/platform.ts'
import { enterTenant } from '../tenancy/enter-tenant.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { Authenticated } from './auth.ts'
import type { Received } from './request.ts'

/** A request in the one tenant it may touch, of a principal with the rights that it has there. */
export interface InTenant extends Authenticated {
  readonly tenant: Tenant
}

/** What is asked of a tenant: a suspended one may still be read. */
const reading = new Set(['GET', 'HEAD', 'OPTIONS'])

/** @throws tenant_required, tenant_forbidden, tenant_suspended, second_factor_required */
export async function chooseTenant(platform: Platform, authenticated: Authenticated): Promise<InTenant> {
  const found = await tenantOf(platform, authenticated)
  platform.log.debug(logEvents.tenantContextEstablished, {
    requestId: authenticated.requestId,
    tenant: found.tenant.slug,
    principal: `${found.principal.kind}:${found.principal.id}`,
  })
  return { ...authenticated, ...found }
}

/**
 * The tenant comes from the credential; `X-Tenant-ID` or the host name may only choose among the principal's own. Rights are drawn
 * here and not with the credential: what a person may do depends on where.
 * @throws tenant_required, tenant_forbidden, tenant_suspended, second_factor_required
 */
export async function tenantOf(
  platform: Platform,
  { principal, headers, method }: Pick<Received, 'headers' | 'method'> & { readonly principal: Principal },
): Promise<{ readonly tenant: Tenant; readonly principal: Principal }> {
  const wanted = headers['x-tenant-id'] ?? platform.tenants.named?.(headers.host)
  const tenant = await platform.tenants.choose(principal, wanted, platform.database)
  const entered = await enterTenant(platform, principal, tenant)
  refuseInactive(tenant, reading.has(method))
  return { tenant, principal: entered }
}

/** @throws tenant_suspended */
export function refuseInactive(tenant: Tenant, reads: boolean): void {
  if (tenant.status === 'active' || (tenant.status === 'suspended' && reads)) return
  const standing =
    tenant.status === 'suspended' ? 'suspended: it may be read, not changed' : tenant.status.replace('_', ' ')
  throw problem('tenant_suspended', { detail: `The tenant is ${standing}.` })
}
