import type { StatementRunner } from '../ports/database.ts'
import type { AlwaysAllowed } from './decisions.ts'
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
  /** Names like this one, for a message to whoever assigns a role that there is not. Default: none are offered. */
  nearest?(tenantId: string, role: string): readonly string[] | Promise<readonly string[]>
  /** Role names in the order of their weight, the weightiest first; `role` of an access token is the first. */
  rank(roles: readonly string[]): readonly string[]
  /** On which models these roles may do everything, whatever the ACL denies. Left out: on none. */
  alwaysAllowed?(roles: readonly string[]): AlwaysAllowed
  /**
   * The same as they are inside this transaction of the system, for what is decided in it: what others change meanwhile waits. Where
   * it is left out, they are asked as ever; whoever asks a database for them must not leave it out, since the embedded one has a
   * single connection, which the transaction holds.
   */
  within?(system: StatementRunner): Roles
}

/** What is asked of roles inside a transaction is asked of these. */
export function rolesIn({ roles }: { readonly roles: Roles }, system: StatementRunner): { readonly roles: Roles } {
  return { roles: roles.within?.(system) ?? roles }
}

/** Nobody defines roles: nobody gets anything by one. */
export const noRoles: Roles = {
  permissionsOf: () => PermissionSet.none,
  unknown: (_tenantId, roles) => roles,
  rank: (roles) => roles,
}
