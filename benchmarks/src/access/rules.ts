/** What everybody in the comparison is given: roles with permissions about other things, and a list of rows that may be read. */
export const ROLES = 20
export const PERMISSIONS_EACH = 10
export const LISTED = 10_000

export interface RoleRule {
  readonly role: string
  readonly model: string
  readonly action: string
}

const actions = ['read', 'create', 'update', 'delete'] as const

/** 200 permissions, each of one role: fifty models with four actions. None is about projects. */
export const roleRules: readonly RoleRule[] = Array.from({ length: ROLES * PERMISSIONS_EACH }, (_, at) => ({
  role: roleName(at % ROLES),
  model: `model${at >> 2}`,
  action: actions[at & 3]!,
}))

export function roleName(at: number): string {
  return `role_${at}`
}
