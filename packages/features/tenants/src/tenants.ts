import type { Feature, Platform, StartupFault } from '@plinth/core'
import { admitBy, type Registration } from './directory/admit.ts'
import { tenantsOf } from './directory/tenants-of.ts'
import { groupResource } from './groups/group-resource.ts'
import { groupRoutes } from './groups/group-routes.ts'
import { invitationResource } from './invitations/invitation-resource.ts'
import { adminRoutes } from './admin/admin-routes.ts'
import { announceFounding } from './lifecycle/announce-founding.ts'
import { purgeCommand, purgeStatements } from './lifecycle/purge-tenants.ts'
import { tenantRoutes } from './lifecycle/tenant-routes.ts'
import { lifecycleMigration } from './migrations/0003-lifecycle.ts'
import { invitationsMigration } from './migrations/0002-invitations.ts'
import { peopleMigration } from './migrations/0001-people.ts'
import { invitationRoutes } from './invitations/invitation-routes.ts'
import { oldInvitations, revokeInvitationsOf } from './invitations/end-invitations.ts'
import { userRoutes } from './people/user-routes.ts'
import { membershipRoutes } from './people/membership-routes.ts'
import { userResource } from './people/user-resource.ts'
import { hostNameOf } from './resolution/subdomain.ts'
import { tenantChooser } from './resolution/tenant-chooser.ts'
import { tenancyErrors } from './tenancy-errors.ts'

export interface TenantsOptions {
  /** What becomes of those who register without an invitation. `found` (default): each founds a tenant. `invited`: they get none. */
  readonly registration?: Registration
  /** Host names below that of `PUBLIC_URL` choose a tenant by its slug: `acme.app.example.com`. Default: no. */
  readonly subdomains?: boolean
  /** Days for which an invitation works, 1 to 90. Default 7. */
  readonly invitationDays?: number
  /** Days between the request to delete a tenant and its end, 0 to 365. Default 30. */
  readonly graceDays?: number
}

const mustHaveUrl = new Set(['staging', 'production'])

/** Tenants, their people, and how one gets in. */
export function tenants(options: TenantsOptions = {}): Feature {
  const { registration = 'found', subdomains = false, invitationDays = 7, graceDays = 30 } = options
  const inviting = { days: invitationDays }
  let platform: Platform | undefined
  return {
    name: 'tenants',
    errors: tenancyErrors,
    resources: [userResource, invitationResource, groupResource],
    routes: ({ registry }) => [
      ...userRoutes(registry, inviting),
      ...membershipRoutes(registry),
      ...invitationRoutes(registry, inviting),
      ...groupRoutes(registry),
      ...tenantRoutes({ registration, graceDays }),
      ...adminRoutes,
    ],
    mails: true,
    departure: revokeInvitationsOf,
    async provision(context, tenant, founding) {
      if (platform) await announceFounding(platform, context, tenant, founding)
    },
    sweep: (now) => [oldInvitations(now), ...purgeStatements(platform, now)],
    commands: [purgeCommand],
    migrations: [peopleMigration, invitationsMigration, lifecycleMigration],
    permissions: { tenant: ['read', 'update'] },
    slots: {
      directory: { tenantsOf, admit: admitBy(registration) },
      tenant: tenantChooser(() => {
        const url = subdomains ? platform?.publicUrl : undefined
        return url === undefined ? undefined : hostNameOf(new URL(url).host)
      }),
    },
    start: (started) => void (platform = started),
    verify(_registry, { settings }) {
      const faults: StartupFault[] = []
      if (subdomains && settings.PUBLIC_URL === undefined)
        faults.push({
          path: 'tenants.subdomains',
          problem: 'needs the host below which the tenants are',
          fix: 'PUBLIC_URL=https://app.example.com',
        })
      if (!(invitationDays >= 1 && invitationDays <= 90))
        faults.push({ path: 'tenants.invitationDays', problem: 'is not from 1 to 90', fix: 'invitationDays: 7' })
      if (!(graceDays >= 0 && graceDays <= 365))
        faults.push({ path: 'tenants.graceDays', problem: 'is not from 0 to 365', fix: 'graceDays: 30' })
      if (settings.PUBLIC_URL === undefined && mustHaveUrl.has(settings.ENVIRONMENT))
        faults.push({
          path: 'tenants',
          problem: 'sends links, and does not know the address of the service',
          fix: 'PUBLIC_URL=https://app.example.com',
        })
      return faults
    },
  }
}
