import { problem } from '../errors/plinth-error.ts'
import type { TenantChooser } from './tenant.ts'

/** The default of the tenant slot: the tenant that the credential belongs to, and `X-Tenant-ID` must agree. */
export const credentialTenant: TenantChooser = {
  async choose(principal, wanted, directory) {
    if (principal.tenant === null) throw problem('tenant_required')
    const tenant = await directory.findTenant(principal.tenant)
    // Whether the wanted tenant exists is nobody's business here: compared, never looked up.
    if (!tenant || (wanted !== undefined && wanted !== tenant.id && wanted !== tenant.slug))
      throw problem('tenant_forbidden')
    return tenant
  },
}
