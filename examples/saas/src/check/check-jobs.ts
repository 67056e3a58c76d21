import { defineJob, PlinthError, type Context, type Job, type Row } from '@plinth/core'
import { z } from 'zod'
import { monitors, type agents } from '../schema.ts'
import { findWatch } from './find-watch.ts'
import { checkPage } from './check-page.ts'
import { keepChecked } from './keep-finding.ts'
import type { PageOptions } from './page-options.ts'

/** Monitors of one agent that are looked at in a minute; those that are due longest first. */
const MOST = 500
/** A new monitor is checked by whoever made it, or after so long. */
const FIRST_MS = 60_000

export const checkInput = z.object({ monitorId: z.uuid(), agentId: z.uuid() })
type CheckJob = Job<z.input<typeof checkInput>>

/** A check that nobody asked for: an agent's, as which it runs. What that may not see is not checked, what it may not change not kept. */
export const checkMonitor = (options: PageOptions): CheckJob =>
  defineJob({
    name: 'monitor.check',
    description: 'Check one page, and open or resolve its incident',
    input: checkInput,
    // The next minute asks again: a check that came too late says nothing of now.
    retry: { attempts: 2, first: '5s' },
    timeout: '1m',
    perTenant: 10,
    key: ({ monitorId }) => monitorId,
    outside: async ({ monitorId }, { signal }, ctx) => {
      const monitor = await ctx.read(monitors, monitorId).catch(nothing)
      return monitor && checkPage(ctx, monitor, { ...options, signal })
    },
    // Nothing where it was deleted since it was due, or is none of the agent's.
    run: async (ctx, { monitorId }, { outside: found }) => {
      if (found) await keepChecked(ctx, monitorId, found)
    },
  })

/** By the clock, as the platform: which pages are due, and who checks each. */
export const findDue = (check: CheckJob): Job =>
  defineJob({
    name: 'monitor.due',
    description: 'Have the pages checked that are due, each by its agent',
    input: z.object({}),
    cron: '* * * * *',
    run: async (ctx) => {
      const { active, disabled } = await findWatch(ctx)
      let due = 0
      // Asked for at once, they are written by a few statements.
      for (const agent of active) {
        const its = await dueOf(ctx, agent.id)
        await Promise.all(its.map((monitor) => ask(ctx, check, monitor, agent)))
        due += its.length
      }
      const anybodys = await dueOf(ctx, null)
      const shared = active.length === 0 ? [] : anybodys
      await Promise.all(shared.map((monitor, at) => ask(ctx, check, monitor, active[at % active.length]!)))
      due += shared.length
      if (active.length === 0 && anybodys.length > 0) ctx.log.info('monitors_unwatched', { due: anybodys.length })
      for (const { id, name } of disabled) {
        const waiting = (await dueOf(ctx, id)).length
        if (waiting > 0) ctx.log.warn('agent_disabled', { agent: id, name, due: waiting })
      }
      return { due }
    },
  })

function nothing(error: unknown): undefined {
  if (!PlinthError.is(error) || error.code !== 'not_found') throw error
}

/** @param agentId null: of those that any agent may check */
async function dueOf(ctx: Context, agentId: string | null): Promise<readonly Row<typeof monitors>[]> {
  const now = ctx.now().getTime()
  return (await ctx.list(monitors, { where: { agentId }, sort: ['nextCheckAt'], limit: MOST })).filter(
    ({ nextCheckAt, createdAt }) => (nextCheckAt?.getTime() ?? createdAt.getTime() + FIRST_MS) <= now,
  )
}

function ask(
  ctx: Context,
  check: CheckJob,
  { id: monitorId, nextCheckAt }: Row<typeof monitors>,
  { id: agentId, serviceAccountId }: Row<typeof agents>,
): Promise<unknown> {
  // Once, for as long as nobody checks it; where that failed, again the next hour: each minute would be as many dead letters.
  const idempotencyKey = `${monitorId} ${nextCheckAt?.toISOString() ?? 'first'} ${ctx.now().toISOString().slice(0, 13)}`
  return ctx.enqueue(check, { monitorId, agentId }, { idempotencyKey, as: serviceAccountId ?? undefined })
}
