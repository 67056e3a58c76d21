import { eventOf, on, type EventHandler } from '@plinth/core'
import { monitors } from './schema.ts'
import { agentQueue, environmentQueue } from './tasks/queues.ts'
import { agentTimeline } from './timeline/agent-timeline.ts'

/** What Lookout does once something has happened. */
export const lookoutHandlers: readonly EventHandler[] = [
  ...agentQueue.handlers,
  ...environmentQueue.handlers,
  ...agentTimeline,
  // A check is an action that changes its monitor; who watches the log of the service is told of pages that are down.
  on(eventOf(monitors), 'tell of pages that are down', (ctx, { type, data, time }) => {
    if (type === 'monitor.check' && data.lastStatus === 'down')
      ctx.log.warn('monitor_down', { monitor: data.id, name: data.name, error: data.lastError, at: time.toISOString() })
    return Promise.resolve()
  }),
]
