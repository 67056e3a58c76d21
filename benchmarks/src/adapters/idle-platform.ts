import { randomBytes } from 'node:crypto'
import { createPlinth, type Plinth } from '@plinth/core'
import { postgres } from '@plinth/postgres'

/** The cheapest route there is of a real platform: public, no database. */
export const LIVE = '/api/v1/health/live'

/** A platform that never connects, since nobody asks for a row. */
export function idlePlatform(): Plinth {
  return createPlinth({
    database: postgres('postgres://plinth_app@127.0.0.1:1/none'),
    resources: [],
    env: { ENVIRONMENT: 'production', LOG_LEVEL: 'warn', SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}` },
  })
}
