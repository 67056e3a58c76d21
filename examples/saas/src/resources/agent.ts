import { defineResource, problem, type Context, type Row } from '@plinth/core'
import { z } from 'zod'
import { command, fail, finish, reset, taskQueueSchema, type AgentState } from '../agent/agent-state.ts'
import { agentParams } from '../params.ts'
import { agents } from '../schema.ts'

type Agent = Row<typeof agents>

/** All that is told of the queue is how long it is. */
const stateSchema = z.object({ status: z.enum(['idle', 'busy', 'error']), queued: z.int() })

/**
 * Lookout carries out no task itself: whoever does tells so by `finish` and `fail`. The row is locked while an action runs, so a
 * hundred commands at once are a hundred tasks in the queue, and one of them is what made the agent busy.
 */
export const agentResource = () =>
  defineResource({
    table: agents,
    description: 'Works through tasks, one after the other',
    fields: {
      name: { schema: (name) => name.trim().min(1).max(120), search: true, filter: true, sort: true },
      status: { readOnly: true, filter: true, sort: true },
      taskQueue: { hidden: true, schema: () => taskQueueSchema },
      lastError: { readOnly: true, description: 'Why it is in the state error' },
      // Whoever names it decides who works, and whose keys end with the agent: not everybody who may change agents.
      serviceAccountId: { restricted: 'write', filter: true, description: 'The service account as which it acts' },
    },
    template: {
      params: agentParams,
      shared: {
        crawler: { name: 'Crawler', defaults: { tasks: ['crawl', 'find-broken-links'], queueLimit: 20 } },
      },
    },
    actions: {
      command: {
        description: 'Put a task at the end of the queue',
        input: z.object({ task: z.string().trim().min(1).max(80) }),
        output: stateSchema,
        run: async (ctx, agent, { task }) => {
          const { tasks, queueLimit } = await ctx.resolve(agents, agent)
          if (tasks && !tasks.includes(task)) {
            const message = `This agent knows: ${tasks.join(', ')}`
            throw problem('validation_failed', { errors: [{ path: '/task', code: 'unknown_task', message }] })
          }
          return moved(ctx, agent, command(agent, { task, at: ctx.now().toISOString() }, queueLimit))
        },
      },
      status: {
        description: 'What it is doing, and how many tasks wait',
        readOnly: true,
        output: stateSchema,
        run: (_ctx, agent) => told(agent),
      },
      finish: {
        description: 'The task at the head of the queue is done',
        output: stateSchema,
        run: (ctx, agent) => moved(ctx, agent, finish(agent)),
      },
      fail: {
        description: 'The task at the head of the queue went wrong',
        input: z.object({ reason: z.string().trim().min(1).max(500) }),
        output: stateSchema,
        run: (ctx, agent, { reason }) => moved(ctx, agent, fail(agent, reason)),
      },
      reset: {
        description: 'Out of the state error, with an empty queue',
        output: stateSchema,
        run: (ctx, agent) => moved(ctx, agent, reset(agent)),
      },
    },
  })

async function moved(ctx: Context, { id }: Agent, next: AgentState): Promise<z.output<typeof stateSchema>> {
  return told(await ctx.update(agents, id, next))
}

function told({ status, taskQueue }: AgentState): z.output<typeof stateSchema> {
  return { status, queued: taskQueue.length }
}
