import { problem } from '../errors/plinth-error.ts'
import type { TenantChooser } from './tenant.ts'

/**
 * The default of the tenant slot: the tenant that the credential belongs to, and `X-Tenant-ID` must agree. A person may choose among
 * the tenants in which he is a member, which is asked when he enters.
 */
export const credentialTenant: TenantChooser = {
  async choose(principal, wanted, directory) {
    const person = principal.kind === 'user' && principal.rights?.member !== undefined
    const name = person ? (wanted ?? principal.tenant) : principal.tenant
    if (name === null) throw problem('tenant_required')
    const tenant = await directory.findTenant(name)
    if (tenant && person) return tenant
    // Whether the wanted tenant exists is nobody's business here: compared, never looked up.
    if (!tenant || (wanted !== undefined && wanted !== tenant.id && wanted !== tenant.slug))
      throw problem('tenant_forbidden')
    return tenant
  },
}
