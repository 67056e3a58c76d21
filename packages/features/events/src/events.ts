import type { Feature } from '@plinth/core'
import { catalogRoute } from './catalog-route.ts'
import { migrations } from './migrations.ts'
import { listRoute } from './list-route.ts'
import { parkedCommands } from './parked-commands.ts'
import { readRoute } from './read-route.ts'

export interface EventsOptions {
  /**
   * Types that are kept although no handler hears them, each for a row in the statement of its write: `['site.*']`, or `[]` for what
   * somebody hears alone. Default: all of them.
   */
  readonly store?: readonly string[]
}

/**
 * `GET /events`, one of them, and their catalogue for who has `event:read`, and commands for those that could not be handled. Handlers need none of
 * this: they are the platform's.
 */
export function events({ store = ['*'] }: EventsOptions = {}): Feature {
  return {
    name: 'events',
    migrations,
    stores: store,
    permissions: { event: ['read'] },
    routes: () => [listRoute, catalogRoute, readRoute],
    commands: parkedCommands,
  }
}
