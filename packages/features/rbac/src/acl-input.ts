import { subjectKinds } from '@plinth/core'
import { z } from 'zod'

/** What is said of whom. */
export const aclInput = z
  .object({
    resource: z
      .string()
      .min(3)
      .max(200)
      .describe('Model and action: `Site.update` or `site:update`; `Site.*` is every action of the model'),
    recordId: z.string().min(1).max(500).nullish().describe('One row. Left out or null: every row of the model'),
    principal: z
      .object({
        kind: z.enum(subjectKinds),
        id: z.string().min(1).max(200).describe('An id; of a role its name'),
      })
      .describe('A member, a group, a role, a service or an API key of the tenant'),
    effect: z.enum(['allow', 'deny']),
  })
  .meta({ id: 'AclEntryCreate' })

export type AclInput = z.infer<typeof aclInput>
