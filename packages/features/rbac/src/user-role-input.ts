import type { RoleHolder } from '@plinth/core'
import { z } from 'zod'

/** By what a holder of a role is named; one of them in each assignment. */
export const holderKeys = ['userId', 'groupId', 'serviceAccountId'] as const
export type HolderKey = (typeof holderKeys)[number]

/** Who gets or loses which role. */
export interface Assignment {
  readonly holder: RoleHolder
  readonly role: string
}

const id = z.guid().toLowerCase()
export const holderFields = {
  userId: id.describe('A member of the tenant'),
  groupId: id.describe('A group: whoever is in it has the role'),
  serviceAccountId: id.describe('A service account: its keys have the role'),
} as const
export const roleName = z.string().min(1).max(63).describe('The name of a role')

/** Who, and which role. Exactly one holder: an assignment to two could half succeed. */
export const userRoleInput = z
  .object({
    userId: holderFields.userId.optional(),
    groupId: holderFields.groupId.optional(),
    serviceAccountId: holderFields.serviceAccountId.optional(),
    role: roleName,
  })
  .superRefine((given, context) => {
    const named = holderKeys.filter((key) => given[key] !== undefined)
    if (named.length === 1) return
    const [path, code, message] =
      named.length === 0
        ? (['userId', 'required', `Expected one of ${holderKeys.join(', ')}`] as const)
        : ([named[1]!, 'one_holder', `One holder at a time: ${named.join(' or ')}`] as const)
    context.addIssue({ code: 'custom', path: [path], message, params: { code } })
  })
  .transform(({ role, ...given }): Assignment => ({ holder: holderOf(given), role }))
  .meta({
    id: 'UserRoleAssign',
    description: 'A role, and one holder: a member, a group or a service account',
    oneOf: holderKeys.map((key) => ({ required: [key] })),
  })

/** Exactly one of the three is there, which whoever calls has made sure of. */
export function holderOf({
  userId,
  groupId,
  serviceAccountId,
}: Partial<Record<HolderKey, string | undefined>>): RoleHolder {
  if (groupId !== undefined) return { groupId }
  if (serviceAccountId !== undefined) return { serviceAccountId }
  if (userId === undefined) throw new Error('a role without a holder')
  return { userId }
}

/** The three columns of a row; the two that are not meant are null. */
export function holderColumns(holder: RoleHolder): Readonly<Record<HolderKey, string | null>> {
  return {
    userId: 'userId' in holder ? holder.userId : null,
    groupId: 'groupId' in holder ? holder.groupId : null,
    serviceAccountId: 'serviceAccountId' in holder ? holder.serviceAccountId : null,
  }
}
