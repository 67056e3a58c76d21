import { PermissionSet } from './permission-set.ts'

/** What roles may do. Filled by `rbac()`; where nobody fills it no role means anything, and members may do nothing. */
export interface Roles {
  /**
   * What these roles of this tenant may do together. A role that there is not (any more) adds nothing: who has it was given it
   * when there was one.
   */
  permissionsOf(tenantId: string, roles: readonly string[]): PermissionSet | Promise<PermissionSet>
  /** Those of the names that are no role of this tenant: for whoever assigns them. */
  unknown(tenantId: string, roles: readonly string[]): readonly string[] | Promise<readonly string[]>
  /** Role names in the order of their weight, the weightiest first; `role` of an access token is the first. */
  rank(roles: readonly string[]): readonly string[]
}

/** Nobody defines roles: nobody gets anything by one. */
export const noRoles: Roles = {
  permissionsOf: () => PermissionSet.none,
  unknown: (_tenantId, roles) => roles,
  rank: (roles) => roles,
}
