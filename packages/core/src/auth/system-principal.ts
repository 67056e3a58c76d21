import { PermissionSet, type PermissionNumbers, buildPermissionSet } from '../policy/permission-set.ts'
import type { Principal } from './principal.ts'

/** The platform itself, on behalf of nobody. Every use names its reason, which is logged. */
export function systemPrincipal(permissions: PermissionNumbers, reason: string): Principal {
  return {
    kind: 'system',
    id: 'system',
    name: reason,
    userId: null,
    groupIds: [],
    tenant: null,
    permissions: permissions.names.length === 0 ? PermissionSet.none : buildPermissionSet(permissions, ['*']).set,
  }
}
