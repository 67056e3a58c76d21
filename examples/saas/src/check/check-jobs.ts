import { defineJob, type Job } from '@plinth/core'
import { z } from 'zod'
import type { MonitorOptions } from '../resources/monitor.ts'
import { monitors } from '../schema.ts'
import { checkPage } from './check-page.ts'
import { keepFinding, keepIncident } from './keep-finding.ts'
import { siteChecks } from './site-checks.ts'

/** Monitors of one agency that are looked at in a minute; those that are due longest first. */
const MOST = 500
/** A new monitor is checked by whoever made it, or after so long. */
const FIRST_MS = 60_000

/** The checks that nobody asks for. */
export function checkJobs({ way = siteChecks(), ...options }: MonitorOptions): readonly Job[] {
  const checkMonitor = defineJob({
    name: 'monitor.check',
    description: 'Check one page, and open or resolve its incident',
    input: z.object({ monitorId: z.uuid() }),
    // The next minute asks again: a check that came too late says nothing of now.
    retry: { attempts: 2, first: '5s' },
    timeout: '1m',
    perTenant: 10,
    key: ({ monitorId }) => monitorId,
    outside: async ({ monitorId }, { signal }, ctx) => {
      const [monitor] = await ctx.list(monitors, { where: { id: monitorId } })
      return monitor && checkPage(ctx, monitor, { ...options, way, signal })
    },
    run: async (ctx, { monitorId }, { outside: found }) => {
      // Deleted since it was due.
      const [monitor] = await ctx.list(monitors, { where: { id: monitorId } })
      if (!found || !monitor) return
      await keepFinding(ctx, monitorId, found)
      await keepIncident(ctx, monitorId, found)
    },
  })
  const findDue = defineJob({
    name: 'monitor.due',
    description: 'Have the pages checked that are due',
    input: z.object({}),
    cron: '* * * * *',
    run: async (ctx) => {
      const now = ctx.now().getTime()
      const due = (await ctx.list(monitors, { sort: ['nextCheckAt'], limit: MOST })).filter(
        ({ nextCheckAt, createdAt }) => (nextCheckAt?.getTime() ?? createdAt.getTime() + FIRST_MS) <= now,
      )
      for (const { id, nextCheckAt } of due) {
        const idempotencyKey = `${id} ${nextCheckAt?.toISOString() ?? 'first'}`
        await ctx.enqueue(checkMonitor, { monitorId: id }, { idempotencyKey })
      }
      return { due: due.length }
    },
  })
  return [checkMonitor, findDue]
}
