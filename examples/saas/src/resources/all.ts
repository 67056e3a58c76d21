import type { Resource } from '@plinth/core'
import type { PageOptions } from '../check/page-options.ts'
import type { LookoutJobs } from '../jobs.ts'
import { agentResource } from './agent.ts'
import { environmentResource } from './environment.ts'
import { incidentResource } from './incident.ts'
import { monitorResource } from './monitor.ts'
import { siteResource } from './site.ts'
import { agentTemplateResource, environmentTemplateResource, monitorTemplateResource } from './templates.ts'
import { timelineResource } from './timeline.ts'

/** Everything that Lookout holds. */
export function lookoutResources(options: PageOptions, jobs: LookoutJobs): readonly Resource[] {
  return [
    siteResource(options),
    environmentTemplateResource(),
    environmentResource(options, jobs),
    monitorTemplateResource(),
    monitorResource(options),
    incidentResource(),
    agentTemplateResource(),
    agentResource(jobs),
    timelineResource(),
  ]
}
