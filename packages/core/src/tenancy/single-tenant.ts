import { problem } from '../errors/plinth-error.ts'
import type { Feature } from '../feature/feature.ts'
import { addMember } from './add-member.ts'

/** The tenant of a product that has only one customer: itself. */
export const SINGLE_TENANT_SLUG = 'default'

/**
 * Fills the tenant slot with one implicit tenant (slug `default`, founded by `plinth.migrate()`). Tables, keys and row-level
 * security stay as they are, so that a second tenant later is a change of configuration and not of data.
 *
 * @param options.name what the tenant is called in screens and mails
 */
export function singleTenant(
  options: { readonly name?: string } = {},
): Feature & { readonly implicitTenant: { readonly slug: string; readonly name: string } } {
  return {
    name: 'single-tenant',
    implicitTenant: { slug: SINGLE_TENANT_SLUG, name: options.name ?? 'Default' },
    slots: {
      directory: {
        async tenantsOf(platform, userId) {
          const tenant = await platform.database.findTenant(SINGLE_TENANT_SLUG)
          const member = tenant && (await platform.database.findMember(tenant.id, userId))
          return tenant && member ? [{ ...tenant, standing: member.status, roles: member.roles }] : []
        },
        async admit(platform, system, newcomer) {
          const tenant = await platform.database.findTenant(SINGLE_TENANT_SLUG)
          if (tenant) await addMember(system, { tenantId: tenant.id, userId: newcomer.userId, roles: ['user'] })
          return tenant
        },
      },
      tenant: {
        async choose(principal, wanted, directory) {
          const tenant = await directory.findTenant(SINGLE_TENANT_SLUG)
          if (!tenant)
            throw problem('not_ready', { cause: new Error('the single tenant was not founded: run plinth.migrate()') })
          const other = (name: string | null | undefined): boolean =>
            name !== undefined && name !== null && name !== tenant.id && name !== tenant.slug
          if (other(wanted) || other(principal.tenant)) throw problem('tenant_forbidden')
          return tenant
        },
      },
    },
  }
}
