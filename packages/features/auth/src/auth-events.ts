import { defineEvent } from '@plinth/core'
import { z } from 'zod'

const id = z.string()
const gone = z.object({ id })
const apiKey = z.object({
  id,
  name: z.string(),
  role: z.string().nullable().optional().describe('What a key of a person may do; null for all that he may'),
  serviceAccountId: z.string().optional().describe('The service that comes in by it'),
})
const serviceAccount = z.object({ id, name: z.string(), roles: z.array(z.string()) })

/** What this feature tells of by hand: keys, services and sessions are written by statements of its own. */
export const authEvents = [
  defineEvent('apiKey.created', { schema: apiKey, description: 'A key was made.' }),
  defineEvent('apiKey.rotated', { schema: apiKey, description: 'A key got a new secret.' }),
  defineEvent('apiKey.deleted', { schema: gone, description: 'A key was revoked.' }),
  defineEvent('serviceAccount.created', { schema: serviceAccount, description: 'A service was set up.' }),
  defineEvent('serviceAccount.updated', {
    schema: serviceAccount.partial().required({ id: true }).extend({
      description: z.string().nullable().optional(),
      disabled: z.boolean().optional(),
    }),
    description: 'A service was changed; the data is its id and what was given.',
  }),
  defineEvent('serviceAccount.deleted', { schema: gone, description: 'A service and its keys were removed.' }),
  defineEvent('session.ended', {
    schema: z.object({ id, userId: z.string() }),
    description: 'A session was ended by somebody else than its owner.',
  }),
]
