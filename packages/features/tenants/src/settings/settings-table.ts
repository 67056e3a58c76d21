import { jsonb, pgSchema, text, timestamp, uuid } from 'drizzle-orm/pg-core'

export const settingsTable = pgSchema('plinth').table('settings', {
  tenantId: uuid('tenant_id').notNull(),
  kind: text('kind').notNull(),
  key: text('key').notNull(),
  userId: uuid('user_id'),
  value: jsonb('value'),
  sealed: text('sealed'),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
})
