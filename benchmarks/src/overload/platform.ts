import { randomBytes } from 'node:crypto'
import { createPlinth, defineResource, resourceTable, serviceTokens, type Limits, type Plinth } from '@plinth/core'
import { postgres } from '@plinth/postgres'
import { text } from 'drizzle-orm/pg-core'

const things = resourceTable('overloaded_things', { name: text().notNull() })

/** One table and one service, without limits of rates. */
export function openOverloaded(url: string, token: string, limits: Partial<Limits>, ownerUrl?: string): Plinth {
  return createPlinth({
    database: postgres(url, ownerUrl === undefined ? {} : { ownerUrl }),
    resources: [defineResource({ table: things })],
    features: [serviceTokens([{ name: 'bench', token, tenant: 'bench', permissions: ['*'] }])],
    rateLimits: { requests: false },
    limits,
    env: {
      ENVIRONMENT: 'production',
      LOG_LEVEL: 'silent',
      SECRET_KEYS: `bench:${randomBytes(32).toString('base64')}`,
    },
  })
}
