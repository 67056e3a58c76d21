import type { Principal } from '../auth/principal.ts'
import type { Facts } from '../condition/condition.ts'
import type { Tenant } from '../tenancy/tenant.ts'

/** Facts about a principal that has entered a tenant, for conditions. */
export function factsOf(principal: Principal, tenant: Tenant): Facts {
  const { session } = principal
  return {
    principalId: principal.id,
    userId: principal.userId,
    groupIds: principal.groupIds,
    circumstances: {
      principalKind: principal.kind,
      roles: principal.roles ?? [],
      credential: session?.credential ?? null,
      secondFactor: session?.secondFactor ?? null,
      tenantId: tenant.id,
      tenantSlug: tenant.slug,
      tenantStatus: tenant.status,
      tenantPlan: tenant.plan ?? null,
      tenantTier: tenant.tier ?? null,
    },
  }
}
