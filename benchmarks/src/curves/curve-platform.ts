import { randomBytes } from 'node:crypto'
import { boolean, integer, jsonb, numeric, text, timestamp } from 'drizzle-orm/pg-core'
import { createPlinth, defineResource, resourceTable, serviceTokens, type Plinth, type Resource } from '@plinth/core'
import { postgres } from '@plinth/postgres'
import { tokenOf } from '../database/tenants.ts'
import { wideRates } from '../platform/bench-platform.ts'
import { slugOf, type Point } from './curve.ts'

/** A resource of twelve columns, as the others are but for its name. */
function thing(at: number): Resource {
  const table = resourceTable(`things_${at}`, {
    name: text().notNull(),
    status: text({ enum: ['draft', 'live', 'archived'] })
      .notNull()
      .default('draft'),
    priority: integer().notNull().default(0),
    dueAt: timestamp({ withTimezone: true }),
    settings: jsonb().notNull().default({}),
    budget: numeric({ precision: 12, scale: 2 }),
    contactEmail: text(),
    notes: text(),
    open: boolean().notNull().default(true),
    weight: integer(),
    place: text(),
    code: text(),
  })
  return defineResource({
    table,
    name: `thing${at}`,
    fields: {
      name: { schema: (name) => name.min(2).max(120), search: true, sort: true },
      status: { filter: true },
      contactEmail: { personal: 'email' },
    },
  })
}

export function curvePlatform(point: Point, urls: { readonly app: string; readonly owner?: string }): Plinth {
  const tokens = Array.from({ length: point.tenants }, (_, at) => {
    const slug = slugOf(at)
    return { name: slug, token: tokenOf(slug), tenant: slug, permissions: ['*'] }
  })
  return createPlinth({
    database: postgres(urls.app, {
      isolation: point.isolation ?? 'shared',
      ...(urls.owner !== undefined && { ownerUrl: urls.owner }),
    }),
    resources: Array.from({ length: point.resources }, (_, at) => thing(at)),
    rateLimits: { requests: wideRates },
    features: [serviceTokens(tokens)],
    env: {
      ENVIRONMENT: 'production',
      SECRET_KEYS: `bench:${randomBytes(32).toString('base64')}`,
      DATABASE_URL: urls.app,
      LOG_LEVEL: 'error',
    },
  })
}
