import type { Feature } from '@plinth/core'
import { catalogRoute } from './catalog-route.ts'
import { migrations } from './migrations.ts'
import { listRoute } from './list-route.ts'
import { parkedCommands } from './parked-commands.ts'

export interface EventsOptions {
  /**
   * Types that are kept although no handler hears them: `['site.*']`, or `['*']` for all. Each costs a row in the statement of its write,
   * and a mark afterwards. Default: none, so that one reads what somebody hears.
   */
  readonly store?: readonly string[]
}

/**
 * `GET /events` and their catalogue for who has `event:read`, and commands for those that could not be handled. Handlers need none of
 * this: they are the platform's.
 */
export function events({ store = [] }: EventsOptions = {}): Feature {
  return {
    name: 'events',
    migrations,
    stores: store,
    permissions: { event: ['read'] },
    routes: () => [listRoute, catalogRoute],
    commands: parkedCommands,
  }
}
