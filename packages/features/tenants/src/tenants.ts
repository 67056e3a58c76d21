import type { Writable } from 'node:stream'
import type { Feature, Platform } from '@plinth/core'
import { exportCommand, importCommand } from './archive/archive-commands.ts'
import { exportRoute } from './archive/export-route.ts'
import { exportTenant, type ExportOptions, type ExportReport } from './archive/export-tenant.ts'
import { importTenant, type ImportOptions, type ImportReport } from './archive/import-tenant.ts'
import type { ArchiveSource } from './archive/read-archive.ts'
import { travels } from './archive/travels.ts'
import { admitBy } from './directory/admit.ts'
import { tenantsOf } from './directory/tenants-of.ts'
import { domainResource } from './domains/domain-resource.ts'
import { domainRoutes } from './domains/domain-routes.ts'
import { systemResolver } from './domains/resolve-txt.ts'
import { domainsMigration } from './migrations/0005-domains.ts'
import { formerMembersMigration } from './migrations/0006-former-members.ts'
import { groupRolesMigration } from './migrations/0007-group-roles.ts'
import { invitingServicesMigration } from './migrations/0008-inviting-services.ts'
import { purgeMigration } from './migrations/0009-purge.ts'
import { groupResource } from './groups/group-resource.ts'
import { groupRoutes } from './groups/group-routes.ts'
import { invitationResource } from './invitations/invitation-resource.ts'
import { adminRoutes } from './admin/admin-routes.ts'
import { announceFounding } from './lifecycle/announce-founding.ts'
import { purgeCommand, purgeSteps } from './lifecycle/purge-tenants.ts'
import { tenantRoutes } from './lifecycle/tenant-routes.ts'
import { lifecycleMigration } from './migrations/0003-lifecycle.ts'
import { invitationsMigration } from './migrations/0002-invitations.ts'
import { peopleMigration } from './migrations/0001-people.ts'
import { verifyInvitation } from './invitations/accept-invitation.ts'
import { invitationPage } from './invitations/invitation-page.ts'
import { invitationRoutes } from './invitations/invitation-routes.ts'
import { oldInvitations } from './invitations/end-invitations.ts'
import { endMembership } from './people/end-membership.ts'
import { userRoutes } from './people/user-routes.ts'
import { membershipRoutes } from './people/membership-routes.ts'
import { userResource } from './people/user-resource.ts'
import { hostNameOf } from './resolution/subdomain.ts'
import { tenantChooser } from './resolution/tenant-chooser.ts'
import { flagRoutes } from './flags/flag-routes.ts'
import { flagsReader, type FlagsReader } from './flags/flags-reader.ts'
import type { FlagDeclarations } from './flags/evaluate.ts'
import { settingsMigration } from './migrations/0004-settings.ts'
import { optionFaults, type TenantsOptions } from './options.ts'
import type { SettingDeclarations } from './settings/declaration.ts'
import { LayerStore } from './settings/layer-store.ts'
import { resealSettings } from './settings/reseal.ts'
import { settingsReader, type SettingsReader } from './settings/settings-reader.ts'
import { settingsRoutes } from './settings/settings-routes.ts'
import { settingsTable } from './settings/settings-table.ts'
import { tenancyErrors } from './tenancy-errors.ts'
import { tenancyEvents } from './tenancy-events.ts'

/** One tenant as a portable archive. See docs/tenancy.md. */
export interface TenantArchive {
  /**
   * Writes a tenant (id or slug): all rows as they are at one moment. The transaction is open until the destination has taken
   * everything, so hand in a file and no slow connection.
   * @throws not_found, validation_failed, not_ready
   */
  export(tenant: string, destination: Writable, options?: ExportOptions): Promise<ExportReport>
  /**
   * Brings the tenant of an archive here, in one transaction. `source` is opened several times.
   * @throws archive_invalid, already_exists, validation_failed
   */
  import(source: ArchiveSource, options?: ImportOptions): Promise<ImportReport>
}

/** The feature, and what code asks of it. */
export interface TenantsFeature<S extends SettingDeclarations, F extends FlagDeclarations> extends Feature {
  readonly settings: SettingsReader<S>
  readonly flags: FlagsReader<F>
  readonly archive: TenantArchive
}

/** Tenants, their people, and how one gets in. */
export function tenants<S extends SettingDeclarations = {}, F extends FlagDeclarations = {}>(
  options: TenantsOptions<S, F> = {},
): TenantsFeature<S, F> {
  const { registration = 'found', subdomains = false, invitationDays = 7, graceDays = 30 } = options
  const inviting = { days: invitationDays }
  const declared = options.settings ?? ({} as S)
  const flags = options.flags ?? ({} as F)
  let platform: Platform | undefined
  const started = (): Platform => {
    if (!platform) throw new Error('the feature is not part of a platform yet: createPlinth() does that')
    return platform
  }
  const [said, switched] = [new LayerStore(started, 'setting'), new LayerStore(started, 'flag')]
  return {
    settings: settingsReader<S>(declared, said, started),
    flags: flagsReader<F>(flags, switched),
    name: 'tenants',
    errors: tenancyErrors,
    events: tenancyEvents,
    resources: [userResource, invitationResource, groupResource, domainResource],
    routes: ({ registry, ...parts }) => [
      ...invitationPage({ registry, ...parts }),
      ...userRoutes(registry, inviting),
      ...membershipRoutes(registry),
      ...invitationRoutes(registry, inviting),
      ...groupRoutes(registry),
      ...domainRoutes(registry, options.resolveTxt ?? systemResolver()),
      ...tenantRoutes({ registration, graceDays }),
      ...(options.exports === 'none' ? [] : [exportRoute]),
      ...adminRoutes,
      ...settingsRoutes(declared, said),
      ...flagRoutes(flags, switched),
    ],
    mails: true,
    departure: endMembership,
    async provision(context, tenant, founding) {
      if (platform) await announceFounding(platform, context, tenant, founding)
    },
    sweep: (now) => [oldInvitations(now), ...purgeSteps(platform)],
    commands: [purgeCommand, exportCommand, importCommand],
    travels,
    archive: {
      export: (tenant, destination, given) => exportTenant(started(), tenant, destination, given),
      import: (source, given) => importTenant(started(), source, given),
    },
    migrations: [
      peopleMigration,
      invitationsMigration,
      lifecycleMigration,
      settingsMigration,
      domainsMigration,
      formerMembersMigration,
      groupRolesMigration,
      invitingServicesMigration,
      purgeMigration,
    ],
    permissions: { tenant: ['update'], setting: ['read', 'update'], featureFlag: ['update'] },
    tables: [settingsTable],
    slots: {
      directory: { tenantsOf, admit: admitBy(registration), verifyInvitation },
      tenant: tenantChooser(() => {
        const url = subdomains ? platform?.publicUrl : undefined
        return url === undefined ? undefined : hostNameOf(new URL(url).host)
      }),
    },
    start: (given) => void (platform = given),
    reseal: resealSettings,
    verify: (_registry, runtime) => optionFaults(options, runtime),
  }
}
