import { defineJob } from '@plinth/core'
import { z } from 'zod'
import type { PageOptions } from '../check/page-options.ts'
import { agentQueue, environmentQueue } from './queues.ts'
import { keepTask, performTask } from './perform-task.ts'
import { taskSchema } from './task.ts'

export const agentTaskInput = z.object({ agentId: z.uuid(), task: taskSchema, siteId: z.uuid().optional() })

const facts = { retry: { attempts: 2, first: '5s' }, timeout: '15m' } as const

/** What an agent was told to do. */
export const agentTask = (options: PageOptions) =>
  defineJob({
    ...facts,
    name: 'agent.task',
    description: 'What an agent was told to do',
    input: agentTaskInput,
    key: ({ agentId }) => agentQueue.keyOf(agentId),
    outside: ({ task, siteId }, job, ctx) => performTask(ctx, { task, siteId }, job, options),
    run: (ctx, _input, { outside }) => keepTask(ctx, outside),
  })

/** The same in an environment, whose pages it is about. */
export const environmentTask = (options: PageOptions) =>
  defineJob({
    ...facts,
    name: 'environment.task',
    description: 'What is to be done in an environment',
    input: z.object({ environmentId: z.uuid(), task: taskSchema }),
    key: ({ environmentId }) => environmentQueue.keyOf(environmentId),
    outside: (input, job, ctx) => performTask(ctx, input, job, options),
    run: (ctx, _input, { outside }) => keepTask(ctx, outside),
  })
