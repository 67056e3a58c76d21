import { integer, text, timestamp } from 'drizzle-orm/pg-core'
import { belongsTo, resourceTable } from '@plinth/core'

/** A client's web site that the agency looks after. */
export const sites = resourceTable('sites', {
  name: text().notNull(),
  url: text().notNull(),
  notes: text(),
})

/** One page of a site that is watched, with what the last check found. */
export const monitors = resourceTable('monitors', {
  siteId: belongsTo(() => sites, { onDelete: 'cascade' }).notNull(),
  name: text().notNull(),
  path: text().notNull().default('/'),
  method: text({ enum: ['GET', 'HEAD'] })
    .notNull()
    .default('GET'),
  expectedStatus: integer().notNull().default(200),
  lastStatus: text({ enum: ['up', 'down'] }),
  lastCheckedAt: timestamp({ withTimezone: true }),
  lastResponseMs: integer(),
  lastError: text(),
})
