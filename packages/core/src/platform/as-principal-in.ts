import { randomUUID } from 'node:crypto'
import type { Principal } from '../auth/principal.ts'
import { scopeOf } from '../pipeline/data.ts'
import { refuseInactive } from '../pipeline/tenant.ts'
import type { Context } from '../resource/context.ts'
import { transactionContext } from '../resource/transaction-context.ts'
import { enterTenant } from '../tenancy/enter-tenant.ts'
import { tellingDenial, type DeniedWork } from './audit-denial.ts'
import type { Platform } from './platform.ts'

/**
 * Code of the product as this principal in this tenant: the pipeline from the tenant stage on, one transaction. What is denied to it is
 * told, as what is denied to a request.
 * @throws tenant_forbidden, tenant_suspended, and whatever `work` throws
 */
export async function asPrincipalIn<T>(
  platform: Platform,
  principal: Principal,
  wanted: string,
  work: (context: Context) => Promise<T>,
): Promise<T> {
  await platform.ready()
  const requestId = randomUUID()
  // Of a tenant that was not entered nothing is said in its log: it may be somebody else's.
  let tenantId: string | null = null
  const denied = (): DeniedWork => {
    return { who: principal, tenantId, requestId, action: tenantId === null ? 'tenant.enter' : 'work.run' }
  }
  return tellingDenial(platform, denied, async () => {
    const tenant = await platform.tenants.choose(principal, wanted, platform.database)
    const entered = await enterTenant(platform, principal, tenant)
    tenantId = tenant.id
    refuseInactive(tenant, false)
    const scope = scopeOf(platform, { principal: entered, tenant, requestId })
    return platform.database.transaction(scope, (transaction) =>
      work(transactionContext({ platform, scope, transaction, principal: entered, tenant })),
    )
  })
}
