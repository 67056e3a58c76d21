import { defineResource, problem } from '@plinth/core'
import { z } from 'zod'
import type { LookoutJobs } from '../jobs.ts'
import { agentParams } from '../params.ts'
import { agents } from '../schema.ts'
import { agentQueue, queueStateSchema } from '../tasks/queues.ts'
import { taskSchema } from '../tasks/task.ts'

/** What it is told is a job of its own queue, done as its service account; of one that has none, as whoever commands it. */
export const agentResource = ({ agentTask }: Pick<LookoutJobs, 'agentTask'>) =>
  defineResource({
    table: agents,
    description: 'Works through tasks, one after the other, and checks pages by the clock',
    fields: {
      name: { schema: (name) => name.trim().min(1).max(120), search: true, filter: true, sort: true },
      status: { readOnly: true, filter: true, sort: true },
      // Whoever names it decides who works, and whose keys end with the agent: not everybody who may change agents.
      serviceAccountId: { restricted: 'write', filter: true, description: 'The service account as which it acts' },
    },
    template: {
      params: agentParams,
      shared: {
        rechecker: { name: 'Rechecker', defaults: { tasks: ['recheck'], queueLimit: 20 } },
      },
    },
    actions: {
      command: {
        description: 'Put a task at the end of its queue',
        input: z.object({
          task: taskSchema,
          siteId: z.uuid().optional().describe('Without it, every page it may see'),
        }),
        output: queueStateSchema,
        run: async (ctx, agent, { task, siteId }) => {
          const { tasks, queueLimit } = await ctx.resolve(agents, agent)
          if (tasks && !tasks.includes(task)) {
            const message = `This agent takes: ${tasks.join(', ')}`
            throw problem('validation_failed', { errors: [{ path: '/task', code: 'unknown_task', message }] })
          }
          const { id: agentId, serviceAccountId } = agent
          const options = { as: serviceAccountId ?? undefined, most: queueLimit }
          return agentQueue.put(ctx, agentId, agentTask, { agentId, task, siteId }, options)
        },
      },
      status: {
        description: 'What it is at, and how much is to be done',
        readOnly: true,
        output: queueStateSchema,
        run: (ctx, { id }) => agentQueue.look(ctx, id),
      },
    },
  })
