import type { Context, JobSignals, ReadingContext } from '@plinth/core'
import { checkPage, type PageFinding } from '../check/check-page.ts'
import { keepChecked } from '../check/keep-finding.ts'
import type { PageOptions } from '../check/page-options.ts'
import { monitors } from '../schema.ts'
import type { Task, TaskPlace, TaskResult } from './task.ts'

/** Pages that one task looks at. */
const MOST = 200
/** Of one task at once: others want to leave this process as well. */
const AT_ONCE = 10

export type TaskFindings = ReadonlyMap<string, PageFinding>

/** The slow part: looks at the pages as whoever does the task sees them. */
export async function performTask(
  ctx: ReadingContext,
  { task, siteId, environmentId }: TaskPlace & { readonly task: Task },
  job: JobSignals,
  options: PageOptions,
): Promise<TaskFindings> {
  const where = {
    ...(siteId !== undefined && { siteId }),
    ...(environmentId !== undefined && { environmentId }),
    ...(task === 'recheck' && { lastStatus: 'down' }),
  }
  const pages = await ctx.list(monitors, { where, sort: ['id'], limit: MOST })
  const findings = new Map<string, PageFinding>()
  for (let at = 0; at < pages.length; at += AT_ONCE) {
    job.signal.throwIfAborted()
    const some = pages.slice(at, at + AT_ONCE)
    const found = await Promise.all(some.map((page) => checkPage(ctx, page, { ...options, signal: job.signal })))
    found.forEach((finding, index) => findings.set(some[index]!.id, finding))
    job.progress(findings.size / pages.length, `${findings.size} of ${pages.length} pages`)
  }
  return findings
}

/** Keeps what was found, in the transaction that ends the job. In the order of ids, so that two tasks wait for each other at the first. */
export async function keepTask(ctx: Context, findings: TaskFindings): Promise<TaskResult> {
  const result = { checked: 0, down: 0 }
  for (const [monitorId, found] of findings) {
    if (!(await keepChecked(ctx, monitorId, found))) continue
    result.checked += 1
    if (found.status === 'down') result.down += 1
  }
  return result
}
