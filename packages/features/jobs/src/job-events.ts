import { defineEvent } from '@plinth/core'
import { z } from 'zod'

const schema = z.object({
  id: z.string(),
  type: z.string().describe('The name of the job'),
  key: z.string().nullish().describe('What it runs one after the other with'),
})

/** A job is done: `on(jobCompleted, 'tell whoever waits', …)`. What it was given and came to is not in the event. */
export const jobCompleted = defineEvent('job.completed', { schema, description: 'A job is done.' })
/** A job is dead: out of attempts, or beyond repair. One that will be tried again has not failed. */
export const jobFailed = defineEvent('job.failed', {
  schema,
  description: 'A job is dead: nothing will come of it by itself.',
})
/** Somebody had a job run now. */
export const jobRetried = defineEvent('job.retry', { schema, description: 'Somebody had a job run now.' })
/** Somebody cancelled a job. */
export const jobCancelled = defineEvent('job.cancel', { schema, description: 'Somebody cancelled a job.' })
/** Somebody gave a dead job its attempts anew. */
export const jobRedriven = defineEvent('job.redrive', {
  schema,
  description: 'Somebody gave a dead job its attempts anew.',
})
/** Somebody took a dead job off the list. */
export const jobDiscarded = defineEvent('job.discard', {
  schema,
  description: 'Somebody took a dead job off the list.',
})

/** What this feature tells of by hand. */
export const jobEvents = [jobCompleted, jobFailed, jobRetried, jobCancelled, jobRedriven, jobDiscarded]
