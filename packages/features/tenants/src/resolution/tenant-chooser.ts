import { credentialTenant, type TenantChooser } from '@plinth/core'
import { subdomainOf } from './subdomain.ts'

/**
 * The tenant of a request. The credential says it; `X-Tenant-ID` or the subdomain choose among the caller's memberships, and what is
 * none of them is refused alike whether there is such a tenant or not. Keys and services are bound to theirs.
 *
 * @param publicHost undefined where host names choose nothing
 */
export function tenantChooser(publicHost: () => string | undefined): TenantChooser {
  return {
    choose: (principal, wanted, source) => credentialTenant.choose(principal, wanted, source),
    named(host) {
      const below = publicHost()
      return below === undefined ? undefined : subdomainOf(host, below)
    },
  }
}
