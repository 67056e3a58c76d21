import { asSystem, type Context, type Feature, type Platform } from '@plinth/core'
import { limitFaults, settleLimits, type AclLimits } from './acl-limits.ts'
import { aclResource } from './acl-resource.ts'
import { aclRoutes } from './acl-routes.ts'
import { CustomRoles, namesWithin, rolesWithin } from './custom-roles.ts'
import { declareRoles, type RoleDeclarations, type RoleSource } from './declared-roles.ts'
import { DefinitionsOf } from './definitions.ts'
import { explainRoute } from './explain-route.ts'
import { userSource } from './member-principals.ts'
import { migrations } from './migrations.ts'
import { permissionResource } from './permission-resource.ts'
import { policiesCommand } from './preview/policy-file.ts'
import { previewCommand } from './preview/preview-command.ts'
import { previewRoutes } from './preview/preview-routes.ts'
import { rbacErrors } from './rbac-errors.ts'
import { preview, type Considered } from './preview/preview.ts'
import type { PreviewWindow, RolePreview } from './preview/tally.ts'
import { applyCommand, seedCommand } from './role-commands.ts'
import { readRoleFile } from './role-file.ts'
import { roleResource } from './role-resource.ts'
import { roleFault } from './role-fault.ts'
import type { PermissionSpelling } from './spelling.ts'
import { roles, rolePermissions } from './tables.ts'
import { applyRoles, storedTexts, wantedRoles, type RoleChange } from './tenant-policies.ts'
import { userRoleResource } from './user-role-resource.ts'
import { userRoleRoutes } from './user-role-routes.ts'

export interface RbacOptions extends RoleDeclarations {
  /**
   * A JSON file with the same declarations, beside those in code: `config/rbac.json`, from the working directory. It is read when
   * `rbac()` is called; what is wrong with it is a fault at start.
   */
  readonly file?: string
  /** How many entries the ACL of a tenant takes. */
  readonly acl?: AclLimits
}

/** The feature, and what a program does with the roles of tenants as the platform itself. */
export interface Rbac extends Feature {
  /**
   * Gives a tenant those of the `tenantRoles` that it lacks; what it has stays as it is. New tenants have them from the beginning.
   * All or nothing, and repeated nothing more.
   * @param tenant id or slug
   * @throws not_found
   */
  createDefaultPolicies(tenant: string): Promise<readonly RoleChange[]>
  /**
   * Makes a role of a tenant with these permissions, or makes these its permissions.
   * @throws not_found, validation_failed for a permission that there is not, or a role that is built in
   */
  updateRolePolicy(tenant: string, role: string, permissions: readonly PermissionSpelling[]): Promise<RoleChange>
  /**
   * Who in a tenant would gain and lose what by a change of roles, of the ACL, of policies or of the plan. Nothing is written.
   * @param window which of those who gain or lose something are told by name: without it the first 1,000
   * @throws not_found, validation_failed for a permission, a role, a holder, a row or a policy that there is not
   */
  preview(tenant: string, change: Considered, window?: PreviewWindow): Promise<RolePreview>
}

/**
 * What members may do: roles that are built in, roles of each tenant, and who has which. Fills the port `Roles` of the core. One
 * object belongs to one platform.
 */
export function rbac(options: RbacOptions = {}): Rbac {
  const { file, acl, ...inCode } = options
  const limits = settleLimits(acl)
  const read = file === undefined ? { faults: [] } : readRoleFile(file)
  const code: RoleSource = { at: (...keys) => ['rbac', ...keys].join('.'), given: inCode }
  const declared = declareRoles(read.source ? [read.source, code] : [code])
  const definitions = new DefinitionsOf(declared)
  let started: Platform | undefined
  const platform = (): Platform => {
    if (!started) throw new Error('rbac() belongs to no platform yet')
    return started
  }
  return {
    name: 'rbac',
    errors: rbacErrors,
    resources: [roleResource(definitions), permissionResource(definitions), userRoleResource(), aclResource()],
    tables: [rolePermissions],
    migrations,
    travels: {
      'plinth.roles': {
        leaves: ['built_in'],
        refuses: (_platform, row) => roleFault(definitions, row),
      },
      'plinth.permissions': { leaves: ['built_in'] },
      'plinth.role_permissions': { stays: 'made anew from the roles, by the database' },
    },
    routes: ({ registry }) => [
      ...userRoleRoutes(registry, () => definitions.known),
      ...previewRoutes(registry, definitions),
      ...aclRoutes(registry, () => definitions.known, limits),
      explainRoute,
    ],
    commands: [seedCommand(definitions), applyCommand(definitions), previewCommand(definitions), policiesCommand],
    verify(registry) {
      definitions.read(registry)
      return [...read.faults, ...declared.faults, ...limitFaults(limits), ...declared.permissionFaults(registry)]
    },
    start(given) {
      started = given
    },
    ...(declared.tenant.length > 0 && {
      provision: async (context: Context): Promise<void> => {
        for (const role of wantedRoles(definitions, declared.tenant)) await context.create(roles, role)
      },
    }),
    slots: {
      acl: true,
      roles(given) {
        const custom = new CustomRoles(given.database)
        definitions.custom = custom
        const { rights } = definitions.known
        return {
          ...rights.port((tenantId, role) => custom.find(tenantId, role)),
          within: (system) => rights.port(rolesWithin(system), namesWithin(system)),
        }
      },
      principals: [userSource(platform)],
    },
    createDefaultPolicies: (tenant) =>
      applyRoles(platform(), definitions, tenant, wantedRoles(definitions, declared.tenant), { existing: 'keep' }),
    async updateRolePolicy(tenant, role, permissions) {
      const wanted = { name: role, permissions: storedTexts(definitions, permissions) }
      const [change] = await applyRoles(platform(), definitions, tenant, [wanted], { existing: 'replace' })
      return change!
    },
    preview: (tenant, change, window) =>
      asSystem(platform(), 'preview of rights', tenant, (context, transaction) =>
        preview({ platform: platform(), definitions, transaction, tenant: context.tenant }, change, window),
      ),
  }
}
