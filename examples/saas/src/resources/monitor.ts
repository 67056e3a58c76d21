import { defineResource, type ReadingContext, type Row } from '@plinth/core'
import { performCheck, type CheckOptions, type CheckResult } from '../check/perform-check.ts'
import { monitorPath, watchedUrl } from '../check/site-url.ts'
import { monitors, sites } from '../schema.ts'

type Monitor = Row<typeof monitors>

export type MonitorOptions = Pick<CheckOptions, 'allowPrivate' | 'timeout'>

export const monitorResource = (options: MonitorOptions) =>
  defineResource({
    table: monitors,
    description: 'One page of a site that is watched, with what the last check found',
    fields: {
      siteId: { filter: true },
      name: { schema: (name) => name.trim().min(1).max(120), search: true, filter: true, sort: true },
      path: { schema: monitorPath, description: 'Put behind the URL of the site: /, /shop?lang=en' },
      expectedStatus: { schema: (status) => status.min(200).max(599), description: 'Any other status is an outage' },
      lastStatus: { readOnly: true, filter: true, sort: true, description: 'null until the first check' },
      lastCheckedAt: { readOnly: true, filter: true, sort: true },
      lastResponseMs: {
        readOnly: true,
        filter: true,
        sort: true,
        description: 'Milliseconds until the server answered',
      },
      lastError: { readOnly: true, description: 'Why it is down' },
    },
    actions: {
      check: {
        description: 'Check the page now and keep what was found',
        outside: (monitor: Monitor, _input: undefined, signal: AbortSignal, ctx: ReadingContext) =>
          checkPage(ctx, monitor, { ...options, signal }),
        run: (ctx, monitor, found) =>
          ctx.update(monitors, monitor.id, {
            lastStatus: found.status,
            lastCheckedAt: ctx.now(),
            lastResponseMs: found.responseMs,
            lastError: found.error,
          }),
      },
    },
  })

async function checkPage(ctx: ReadingContext, monitor: Monitor, options: CheckOptions): Promise<CheckResult> {
  const { url } = await ctx.read(sites, monitor.siteId)
  const { method, expectedStatus } = monitor
  return performCheck({ url: watchedUrl(url, monitor.path), method, expectedStatus }, options)
}
