import type { Condition } from '../condition/condition.ts'
import type { PermissionSet } from './permission-set.ts'
import type { PermissionScope } from './permission.ts'

/**
 * What a principal may do, as everybody who asks gets to know it: roles alone ({@link PermissionSet}), or with all else that has a say
 * (`Decisions`). Permissions are named by their number.
 */
export interface Permissions {
  /** The rows for which the permission is held; `never` when it is not held at all. */
  condition(permission: number): Condition
  /** What is taken away from whoever holds the permission, roles left aside: denials and policies. `always` where nothing is. */
  narrowing(permission: number): Condition
  /** In which scopes it is held, for lists and explanations; empty where it is held on single rows, or not at all. */
  scopes(permission: number): readonly PermissionScope[]
  /** On some row at least. */
  holds(permission: number): boolean
  /** On every row of the tenant, whatever it is: what permissions that are about no rows ask. */
  everywhere(permission: number): boolean
  /**
   * The rows for which it is held, policies aside: they bind whoever is given something like everybody, so who gives it need not be
   * above them.
   */
  beforePolicies(permission: number): Condition
  /** What the roles say, before anything else was asked. */
  readonly roles: PermissionSet
  /** What may be given to others by roles: that of the roles, less what is denied altogether. */
  readonly grantable: PermissionSet
}
