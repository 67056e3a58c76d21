import { defineResource, problem, ResilienceError, type ReadingContext, type Resilience, type Row } from '@plinth/core'
import { performCheck, type CheckOptions, type CheckResult } from '../check/perform-check.ts'
import { monitorPath, watchedUrl } from '../check/site-url.ts'
import { siteChecks } from '../check/site-checks.ts'
import { monitorParams } from '../params.ts'
import { environments, monitors, sites } from '../schema.ts'

type Monitor = Row<typeof monitors>

export interface MonitorOptions extends Pick<CheckOptions, 'allowPrivate' | 'timeout'> {
  /** Where it is shown in health and metrics, the platform has it as well. */
  readonly way?: Resilience
}

export const monitorResource = ({ way = siteChecks(), ...options }: MonitorOptions) =>
  defineResource({
    table: monitors,
    description: 'One page of a site that is watched, with what the last check found',
    fields: {
      siteId: { filter: true },
      environmentId: { filter: true, description: 'Checked there instead of at the address of the site' },
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
          checkPage(ctx, monitor, { ...options, way, signal }),
        run: (ctx, monitor, found) =>
          ctx.update(monitors, monitor.id, {
            lastStatus: found.status,
            lastCheckedAt: ctx.now(),
            lastResponseMs: found.responseMs,
            lastError: found.error,
            nextCheckAt: new Date(ctx.now().getTime() + found.intervalSeconds * 1_000),
          }),
      },
    },
  })

/** Not even the most patient environment may keep a check beyond what an action's slow part may take. */
const LONGEST_TIMEOUT = 25_000

async function checkPage(
  ctx: ReadingContext,
  monitor: Monitor,
  options: CheckOptions & Required<Pick<MonitorOptions, 'way'>>,
): Promise<CheckResult & { readonly intervalSeconds: number }> {
  const { method, expectedStatus, timeoutSeconds, intervalSeconds, headers } = await ctx.resolve(monitors, monitor)
  const place = monitor.environmentId === null ? undefined : await ctx.read(environments, monitor.environmentId)
  const { headers: placeHeaders, patience } = place
    ? await ctx.resolve(environments, place)
    : { headers: {}, patience: 1 }
  const { url } = place ?? (await ctx.read(sites, monitor.siteId))
  const timeout = timeoutSeconds === undefined ? options.timeout : timeoutSeconds * 1_000
  const target = {
    url: watchedUrl(url, monitor.path),
    method,
    expectedStatus,
    headers: { ...placeHeaders, ...headers },
  }
  const found = await options.way
    .run(() =>
      performCheck(target, {
        ...options,
        ...(timeout !== undefined && { timeout: Math.min(timeout * patience, LONGEST_TIMEOUT) }),
      }),
    )
    .catch(tooMany)
  return { ...found, intervalSeconds }
}

/** A site that is down is a result; that too many are being checked says nothing of this one. */
function tooMany(error: unknown): never {
  throw ResilienceError.is(error)
    ? problem('unavailable', { detail: 'Too many checks are running.', cause: error })
    : error
}
