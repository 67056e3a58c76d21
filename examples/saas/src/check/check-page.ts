import { problem, ResilienceError, type ReadingContext, type Resilience, type Row } from '@plinth/core'
import { environments, monitors, sites } from '../schema.ts'
import { performCheck, type CheckOptions, type CheckResult } from './perform-check.ts'
import { watchedUrl } from './site-url.ts'

type Monitor = Row<typeof monitors>

/** What a check came to, and when the next one is due. */
export type PageFinding = CheckResult & { readonly intervalSeconds: number }

/** Not even the most patient environment may keep a check beyond what an action's slow part may take. */
const LONGEST_TIMEOUT = 25_000

/** Checks one page as its monitor, its templates and its environment say. @throws unavailable where too many checks run */
export async function checkPage(
  ctx: ReadingContext,
  monitor: Monitor,
  options: CheckOptions & { readonly way: Resilience },
): Promise<PageFinding> {
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
