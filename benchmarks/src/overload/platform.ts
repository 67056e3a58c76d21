import { randomBytes } from 'node:crypto'
import {
  createPlinth,
  defineResource,
  resourceTable,
  serviceTokens,
  statement,
  type Feature,
  type Limits,
  type Plinth,
} from '@plinth/core'
import { postgres } from '@plinth/postgres'
import { text } from 'drizzle-orm/pg-core'

const things = resourceTable('overloaded_things', { name: text().notNull() })

/**
 * A statement of four milliseconds on two connections: five hundred a second, however busy the machine is with other work. What is
 * short is the database and not the processor, as in most services.
 */
const slow: Feature = {
  name: 'slow',
  routes: () => [
    {
      method: 'GET',
      public: true,
      path: '/slow',
      operationId: 'slow',
      summary: 'Four milliseconds',
      tag: 'slow',
      origin: 'platform',
      errors: [],
      answers: [],
      async handle({ platform }) {
        await platform.database.lookup(statement`select pg_sleep(0.004)::text as slept`)
        return { status: 200, headers: {}, body: null }
      },
    },
  ],
}

/** One table and one service, without limits of rates. */
export function openOverloaded(url: string, token: string, limits: Partial<Limits>, ownerUrl?: string): Plinth {
  return createPlinth({
    database: postgres(url, ownerUrl === undefined ? { max: 2 } : { ownerUrl }),
    resources: [defineResource({ table: things })],
    features: [slow, serviceTokens([{ name: 'bench', token, tenant: 'bench', permissions: ['*'] }])],
    rateLimits: { requests: false },
    limits,
    env: {
      ENVIRONMENT: 'production',
      LOG_LEVEL: 'silent',
      SECRET_KEYS: `bench:${randomBytes(32).toString('base64')}`,
    },
  })
}
