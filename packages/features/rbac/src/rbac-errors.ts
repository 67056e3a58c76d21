import { PlinthError, type ErrorDefinition, type ErrorDetails } from '@plinth/core'

export const rbacErrors = {
  too_many_entries: {
    status: 409,
    title: 'The ACL holds no more entries',
    help: 'There is a most for a tenant, for one subject and for one row; which of them is reached is in the answer. Name a group or a role instead of its people, or take entries back.',
  },
} as const satisfies Record<string, ErrorDefinition>

/** Makes an error of this feature. */
export function rbacProblem(code: keyof typeof rbacErrors, details?: ErrorDetails): PlinthError {
  return new PlinthError(code, rbacErrors[code], details)
}
