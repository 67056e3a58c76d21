import { defineResource, type ReadingContext, type Row } from '@plinth/core'
import { checkPage } from '../check/check-page.ts'
import { keepFinding } from '../check/keep-finding.ts'
import type { PageOptions } from '../check/page-options.ts'
import { monitorPath } from '../check/site-url.ts'
import { monitorParams } from '../params.ts'
import { monitors } from '../schema.ts'

type Monitor = Row<typeof monitors>

export const monitorResource = (options: PageOptions) =>
  defineResource({
    table: monitors,
    description: 'One page of a site that is watched, with what the last check found',
    fields: {
      siteId: { filter: true },
      environmentId: { filter: true, description: 'Checked there instead of at the address of the site' },
      agentId: { filter: true, description: 'Who checks it by the clock; null: any agent of the agency' },
      name: { schema: (name) => name.trim().min(1).max(120), search: true, filter: true, sort: true },
      path: { schema: monitorPath, description: 'Put behind the URL of the site: /, /shop?lang=en' },
      lastStatus: { readOnly: true, filter: true, sort: true, description: 'null until the first check' },
      lastCheckedAt: { readOnly: true, filter: true, sort: true },
      lastResponseMs: {
        readOnly: true,
        filter: true,
        sort: true,
        description: 'Milliseconds until the server answered',
      },
      lastError: { readOnly: true, description: 'Why it is down' },
      nextCheckAt: {
        readOnly: true,
        filter: true,
        sort: true,
        description: 'When the next check is due, by intervalSeconds; null until the first one',
      },
    },
    template: {
      params: monitorParams,
      shared: {
        page: { name: 'Page', description: 'Asked for every five minutes', defaults: { intervalSeconds: 300 } },
        api: {
          name: 'API',
          description: 'Asked for every minute, as JSON',
          defaults: { intervalSeconds: 60, headers: { accept: 'application/json' } },
        },
        redirect: { name: 'Redirect', parent: 'page', defaults: { method: 'HEAD', expectedStatus: 301 } },
      },
    },
    actions: {
      check: {
        description: 'Check the page now and keep what was found',
        outside: (monitor: Monitor, _input: undefined, signal: AbortSignal, ctx: ReadingContext) =>
          checkPage(ctx, monitor, { ...options, signal }),
        run: (ctx, monitor, found) => keepFinding(ctx, monitor.id, found),
      },
    },
  })
