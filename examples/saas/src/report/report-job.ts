import { defineJob } from '@plinth/core'
import { z } from 'zod'
import { incidents, monitors } from '../schema.ts'

const DAY_MS = 86_400_000
/** Rows that one report counts. */
const MOST = 1_000

/** What the agency tells a client, of what whoever asks for it may see. `POST /jobs` asks for it. */
export const buildReport = defineJob({
  name: 'report.build',
  description: 'Count the pages, those that are down, and the outages of the last days',
  input: z.object({ siteId: z.uuid().optional(), days: z.int().min(1).max(365).default(30) }),
  requested: true,
  perTenant: 2,
  run: async (ctx, { siteId, days }) => {
    const pages = await ctx.list(monitors, { where: siteId === undefined ? {} : { siteId }, limit: MOST })
    const watched = new Set(pages.map(({ id }) => id))
    const since = ctx.now().getTime() - days * DAY_MS
    const outages = (await ctx.list(incidents, { sort: ['-openedAt'], limit: MOST })).filter(
      ({ monitorId, openedAt }) => watched.has(monitorId) && openedAt.getTime() >= since,
    )
    return {
      pages: pages.length,
      down: pages.filter(({ lastStatus }) => lastStatus === 'down').length,
      outages: outages.length,
      open: outages.filter(({ status }) => status === 'open').length,
    }
  },
})
