import type { PlinthOptions, Resilience } from '@plinth/core'
import { ownQueues } from './agent/agent-services.ts'
import type { PageOptions } from './check/page-options.ts'
import { siteChecks } from './check/site-checks.ts'
import { lookoutHandlers } from './handlers.ts'
import { lookoutJobs } from './jobs.ts'
import { lookoutResources } from './resources/all.ts'

export type LookoutDeclaration = Required<Pick<PlinthOptions, 'resources' | 'jobs' | 'handlers' | 'policies'>> & {
  /** By which checks leave this process. */
  readonly way: Resilience
}

/** What Lookout is, whatever it stands on. */
export function lookoutDeclaration(options: Omit<PageOptions, 'way'>): LookoutDeclaration {
  const way = siteChecks()
  const checks = { ...options, way }
  const later = lookoutJobs(checks)
  return {
    way,
    resources: lookoutResources(checks, later),
    jobs: later.all,
    handlers: lookoutHandlers,
    policies: [ownQueues],
  }
}
