export { rbac } from './rbac.ts'
export type { RbacOptions } from './rbac.ts'
export type { RoleDefinition } from './built-in-roles.ts'
export { permissions, roles, userRoles } from './tables.ts'
