import { z } from 'zod'

/** Who, and which role. */
export const userRoleInput = z
  .object({
    userId: z.guid().toLowerCase().describe('A member of the tenant'),
    role: z.string().min(1).max(63).describe('The name of a role'),
  })
  .meta({ id: 'UserRoleAssign' })
