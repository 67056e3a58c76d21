import { z } from 'zod'

/** A tenant as others than the operator see it. */
export const tenantSchema = z
  .object({
    id: z.guid(),
    slug: z.string(),
    name: z.string(),
    status: z.enum(['active', 'suspended', 'closed', 'pending_deletion']),
    requireMfa: z.boolean().describe('Whether whoever works here must have shown a second factor'),
  })
  .meta({ id: 'Tenant' })

/** What one is told who has just joined. */
export const joinedTenant = z.object({ tenant: tenantSchema, roles: z.array(z.string()) }).meta({ id: 'JoinedTenant' })
