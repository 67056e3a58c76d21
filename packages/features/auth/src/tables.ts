import { boolean, integer, jsonb, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { platformTable } from '@plinth/core'

/** Sessions as a tenant sees those that work in it. The database has more columns than these, which no tenant may read. */
export const sessions = platformTable('sessions', {
  kind: text({ enum: ['cookie', 'token'] }).notNull(),
  secondFactor: boolean().notNull(),
  authenticatedAt: timestamp({ withTimezone: true }).notNull(),
  lastSeenAt: timestamp({ withTimezone: true }).notNull(),
  expiresAt: timestamp({ withTimezone: true }).notNull(),
  endsAt: timestamp({ withTimezone: true }).notNull(),
  address: text(),
  userAgent: text(),
  endedAt: timestamp({ withTimezone: true }),
  endedBy: text(),
})

/** API keys as a tenant sees them. What one is recognised by lies in another table. */
export const apiKeys = platformTable('api_keys', {
  name: text().notNull(),
  keyPrefix: text().notNull(),
  role: text(),
  serviceAccountId: uuid(),
  expiresAt: timestamp({ withTimezone: true }),
  ipRanges: jsonb().$type<readonly string[]>().notNull(),
  rateRequests: integer(),
  rateSeconds: integer(),
  lastUsedAt: timestamp({ withTimezone: true }),
  revokedAt: timestamp({ withTimezone: true }),
})

/** Programs that work for a tenant and belong to nobody in it. */
export const serviceAccounts = platformTable('service_accounts', {
  name: text().notNull(),
  description: text().notNull(),
  roles: jsonb().$type<readonly string[]>().notNull(),
  disabledAt: timestamp({ withTimezone: true }),
})
