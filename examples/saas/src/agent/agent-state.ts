import { problem } from '@plinth/core'
import { z } from 'zod'

/** What waits, the next one first. Times are ISO 8601, UTC. */
export const taskQueueSchema = z.array(z.object({ task: z.string(), at: z.string() })).max(1_000)
export type QueuedTask = z.output<typeof taskQueueSchema>[number]

/** What of an agent decides which way it may go. */
export interface AgentState {
  readonly status: 'idle' | 'busy' | 'error'
  readonly taskQueue: readonly QueuedTask[]
  readonly lastError: string | null
}

/*
 *           command              command
 *   idle ────────────────► busy ─────────┐
 *    ▲ ◄─── finish, last ───┤ ▲──────────┘
 *    │                      │ fail
 *    └────── reset ─────── error
 */

/** A task more at the end of the queue. @throws conflict in the state `error`, and where the queue is full */
export function command(agent: AgentState, task: QueuedTask, queueLimit: number): AgentState {
  refuseUnless(agent, ['idle', 'busy'], 'take a task')
  if (agent.taskQueue.length >= queueLimit) {
    throw problem('conflict', { detail: `The queue is full: ${queueLimit} tasks wait.` })
  }
  return { status: 'busy', taskQueue: [...agent.taskQueue, task], lastError: null }
}

/** The task at the head is done; after the last one the agent is idle. @throws conflict unless busy */
export function finish(agent: AgentState): AgentState {
  refuseUnless(agent, ['busy'], 'finish a task')
  const taskQueue = agent.taskQueue.slice(1)
  return { status: taskQueue.length > 0 ? 'busy' : 'idle', taskQueue, lastError: null }
}

/** The task at the head went wrong: nothing more is begun until somebody has looked. @throws conflict unless busy */
export function fail(agent: AgentState, reason: string): AgentState {
  refuseUnless(agent, ['busy'], 'fail')
  return { status: 'error', taskQueue: agent.taskQueue, lastError: reason }
}

/** Lets go of what waited. @throws conflict unless in the state `error` */
export function reset(agent: AgentState): AgentState {
  refuseUnless(agent, ['error'], 'be reset')
  return { status: 'idle', taskQueue: [], lastError: null }
}

function refuseUnless({ status }: AgentState, from: readonly AgentState['status'][], what: string): void {
  if (from.includes(status)) return
  throw problem('conflict', { detail: `An agent that is ${status} cannot ${what}.` })
}
