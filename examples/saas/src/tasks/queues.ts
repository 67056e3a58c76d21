import { queueStatuses, rowQueue } from '@plinth/jobs'
import { z } from 'zod'
import { agents, environments } from '../schema.ts'

/** The jobs of each agent, one after the other. */
export const agentQueue = rowQueue(agents, 'agent')
export const environmentQueue = rowQueue(environments, 'environment')

/** All that is told of a queue: how long it is, never what is in it. */
export const queueStateSchema = z.object({
  status: z.enum(queueStatuses),
  waiting: z.int().describe('To be done'),
  running: z.int(),
  dead: z.int().describe('Failed for good, until somebody has them done again or discards them: /dead-letters'),
})
