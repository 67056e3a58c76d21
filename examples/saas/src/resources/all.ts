import type { Resource } from '@plinth/core'
import { agentResource } from './agent.ts'
import { environmentResource } from './environment.ts'
import { incidentResource } from './incident.ts'
import { monitorResource, type MonitorOptions } from './monitor.ts'
import { siteResource } from './site.ts'
import { agentTemplateResource, environmentTemplateResource, monitorTemplateResource } from './templates.ts'

/** Everything that Lookout holds. */
export function lookoutResources(options: MonitorOptions): readonly Resource[] {
  return [
    siteResource(options),
    environmentTemplateResource(),
    environmentResource(options),
    monitorTemplateResource(),
    monitorResource(options),
    incidentResource(),
    agentTemplateResource(),
    agentResource(),
  ]
}
