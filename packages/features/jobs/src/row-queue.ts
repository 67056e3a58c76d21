import {
  on,
  PlinthError,
  problem,
  type AnyResourceTable,
  type Context,
  type EnqueueOptions,
  type EventHandler,
  type Job,
  type JobCounts,
  type Patch,
  type Row,
} from '@plinth/core'
import { jobEvents } from './job-events.ts'

/** `idle`: nothing is to be done; `busy`: something is; `error`: something is dead, and somebody has to look. */
export const queueStatuses = ['idle', 'busy', 'error'] as const
export type QueueStatus = (typeof queueStatuses)[number]

/** What is told of a row's queue: how much, never what. */
export interface QueueState extends JobCounts {
  readonly status: QueueStatus
}

export interface PutOptions extends EnqueueOptions {
  /** As many may be unfinished; one more is refused. Without it, as many as the tenant may have waiting. */
  readonly most?: number | undefined
}

/** The jobs of one row, one after the other: a query over jobs of its key, and a column `status` that says what the query says. */
export interface RowQueue {
  /** What the jobs of this row have for their key: `defineJob({ key: ({ agentId }) => queue.keyOf(agentId) })`. */
  keyOf(id: string): string
  /** How it is now. */
  look(context: Context, id: string): Promise<QueueState>
  /**
   * Asks for a job of this row, which is `busy` in the same transaction. The row is locked, so of many at once each is counted.
   * @throws conflict while something in the queue is dead, and where it is full; what `ctx.enqueue`, `ctx.lock` and `ctx.update` throw
   * @throws Error where the job has another key
   */
  put<I>(context: Context, id: string, job: Job<I>, input: NoInfer<I>, options?: PutOptions): Promise<QueueState>
  /** Keep `status` true when jobs end and when people retry, cancel or discard them: for `createPlinth({ handlers })`. */
  readonly handlers: readonly EventHandler[]
}

/**
 * Gives each row of a table (agents, environments) a queue of jobs of its own. The jobs are the queue; nothing of it is stored with the
 * row but `status`, which follows: `idle` when the last job has ended, `error` from the death of one until it is redriven or discarded.
 *
 * @param table with a column `status` of {@link queueStatuses}
 * @param name of the rows, in keys of jobs and names of handlers: it stays the same. `agent`
 */
export function rowQueue<T extends AnyResourceTable>(
  table: Row<T> extends { readonly status: QueueStatus } ? T : never,
  name: string,
): RowQueue {
  const prefix = `${name}:`
  const keyOf = (id: string): string => `${prefix}${id}`
  const status = (context: Context, id: string, now: QueueStatus): Promise<unknown> =>
    context.update<T>(table, id, { status: now } as Patch<T>)
  return {
    keyOf,
    async look(context, id) {
      return stateOf(await context.jobCounts(keyOf(id)))
    },
    async put(context, id, job, input, { most, ...options } = {}) {
      const row = (await context.lock<T>(table, id)) as { readonly status: QueueStatus }
      const before = await context.jobCounts(keyOf(id))
      if (before.dead > 0)
        throw problem('conflict', { detail: 'A job of this queue is dead. Have it run again, or discard it.' })
      if (most !== undefined && before.waiting + before.running >= most)
        throw problem('conflict', { detail: `The queue is full: ${most} are to be done.` })
      await context.enqueue(job, input, options)
      // A job that runs beside the queue would leave the row busy for ever.
      if (job.key?.(job.input.parse(input) as never) !== keyOf(id))
        throw new Error(`the job ${job.name} is in no queue of ${name}: its key is not keyOf(id)`)
      const now = stateOf(await context.jobCounts(keyOf(id)))
      if (row.status !== now.status) await status(context, id, now.status)
      return now
    },
    // All alike: whatever was told, and in which order, the row is what its queue is.
    handlers: jobEvents.map((event) =>
      on(event, `${name} queue ${event.type}`, async (context, { data: { key } }) => {
        if (!key?.startsWith(prefix)) return
        const id = key.slice(prefix.length)
        const row = await locked<T>(context, table, id)
        if (!row) return
        const now = stateOf(await context.jobCounts(key)).status
        if (row.status !== now) await status(context, id, now)
      }),
    ),
  }
}

function stateOf(counts: JobCounts): QueueState {
  const { waiting, running, dead } = counts
  return { status: dead > 0 ? 'error' : waiting + running > 0 ? 'busy' : 'idle', ...counts }
}

/** Undefined where the row is gone: its jobs may outlive it. */
async function locked<T extends AnyResourceTable>(
  context: Context,
  table: T,
  id: string,
): Promise<{ readonly status: QueueStatus } | undefined> {
  try {
    return (await context.lock(table, id)) as { readonly status: QueueStatus }
  } catch (error) {
    if (PlinthError.is(error) && error.code === 'not_found') return undefined
    throw error
  }
}
