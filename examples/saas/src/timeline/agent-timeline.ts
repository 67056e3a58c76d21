import { on, type Context, type EventHandler } from '@plinth/core'
import { backgroundJobs, jobCompleted, jobFailed } from '@plinth/jobs'
import { z } from 'zod'
import { agents, timelineEntries } from '../schema.ts'
import { taskResult, taskSchema } from '../tasks/task.ts'

/** Of the jobs that run as an agent: what it was told, and the checks by the clock. */
const agentJob = z.object({ agentId: z.uuid(), task: taskSchema.optional() })

/** Whoever commanded an agent is told what came of it; checks by the clock are told of where they fail. */
export const agentTimeline: readonly EventHandler[] = [
  on(jobCompleted, 'note what an agent did', async (ctx, { data: { id, type } }) => {
    if (type !== 'agent.task') return
    const job = await find(ctx, id)
    const result = taskResult.safeParse(job?.result)
    if (!job?.task || !result.success) return
    const { checked, down } = result.data
    await note(ctx, job.agentId, { outcome: 'done', text: `${job.task}: ${checked} checked, ${down} down`, jobId: id })
  }),
  on(jobFailed, 'note what an agent could not do', async (ctx, { data: { id, type } }) => {
    if (type !== 'agent.task' && type !== 'monitor.check') return
    const job = await find(ctx, id)
    // Why is told by the job, to whoever may read that.
    if (job)
      await note(ctx, job.agentId, {
        outcome: 'failed',
        text: `${job.task ?? 'check by the clock'}: failed`,
        jobId: id,
      })
  }),
]

/** The job, while it is kept. */
async function find(
  ctx: Context,
  id: string,
): Promise<(z.output<typeof agentJob> & { readonly result: unknown }) | undefined> {
  const [job] = await ctx.list(backgroundJobs, { where: { id } })
  return job && { ...agentJob.parse(job.payload), result: job.result }
}

async function note(
  ctx: Context,
  agentId: string,
  entry: { readonly outcome: 'done' | 'failed'; readonly text: string; readonly jobId: string },
): Promise<void> {
  // The agent may be gone meanwhile.
  const [agent] = await ctx.list(agents, { where: { id: agentId } })
  if (agent) await ctx.create(timelineEntries, { agentId, ...entry })
}
