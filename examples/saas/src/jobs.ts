import type { Job } from '@plinth/core'
import { checkMonitor, findDue } from './check/check-jobs.ts'
import type { PageOptions } from './check/page-options.ts'
import { buildReport } from './report/report-job.ts'
import { agentTask, environmentTask } from './tasks/task-jobs.ts'

/** Everything that Lookout does later. */
export interface LookoutJobs {
  readonly agentTask: ReturnType<typeof agentTask>
  readonly environmentTask: ReturnType<typeof environmentTask>
  readonly all: readonly Job[]
}

export function lookoutJobs(options: PageOptions): LookoutJobs {
  const own = { agentTask: agentTask(options), environmentTask: environmentTask(options) }
  const check = checkMonitor(options)
  return { ...own, all: [own.agentTask, own.environmentTask, check, findDue(check), buildReport] as readonly Job[] }
}
