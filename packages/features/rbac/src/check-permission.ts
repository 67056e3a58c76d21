import { isFieldModel, type PermissionScope } from '@plinth/core'
import { readPermission, type PermissionSpelling } from './spelling.ts'

/** What a role may do, as a list: `{ role: 'developer', permissions: [{ action: 'read', resource: '*' }] }`. */
export interface RbacPolicy {
  /** Whose policy it is; a policy of another role says nothing. */
  readonly role?: string
  readonly permissions: readonly PermissionSpelling[]
}

/**
 * Whether a role may do an action on a resource by a policy: a pure question, for policies that are data. Requests are decided by what
 * the platform has built from them, never by this. Without a policy, or by a rule that is none, nobody may anything.
 * @param scope asked for; what holds for `all` holds for the others
 */
export function checkPermission(
  role: string,
  action: string,
  resource: string,
  policy: RbacPolicy | undefined,
  scope: PermissionScope = 'all',
): boolean {
  if (policy === undefined || (policy.role !== undefined && policy.role !== role)) return false
  return policy.permissions.some((rule) => {
    const read = readPermission(rule)
    if (!read) return false
    const covers = (said: string, asked: string): boolean => said === '*' || said === asked
    // As where requests are decided: all models are all rows, and fields that are restricted are of none but all of everything.
    if (read.model === '*' && read.action !== '*' && isFieldModel(resource)) return false
    return covers(read.model, resource) && covers(read.action, action) && (read.scope === 'all' || read.scope === scope)
  })
}
