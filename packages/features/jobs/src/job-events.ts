import { defineEvent } from '@plinth/core'
import { z } from 'zod'

const schema = z.object({ id: z.string(), type: z.string().describe('The name of the job') })

/** What this feature tells of by hand; what a job was given and came to is not in it. */
export const jobEvents = [
  defineEvent('job.completed', { schema, description: 'A job is done.' }),
  defineEvent('job.failed', { schema, description: 'A job is dead: nothing will come of it by itself.' }),
  defineEvent('job.retry', { schema, description: 'Somebody had a job run now.' }),
  defineEvent('job.cancel', { schema, description: 'Somebody cancelled a job.' }),
  defineEvent('job.redrive', { schema, description: 'Somebody gave a dead job its attempts anew.' }),
  defineEvent('job.discard', { schema, description: 'Somebody took a dead job off the list.' }),
]
