import { platformTable } from '@plinth/core'
import { boolean, integer, jsonb, pgSchema, text, timestamp, uuid } from 'drizzle-orm/pg-core'

const time = () => timestamp({ withTimezone: true })

/** Until when nothing is sent is a column that no generated statement reads. Secrets have a table of their own. */
export const webhooksOut = platformTable('webhooks_out', {
  url: text().notNull(),
  description: text(),
  events: jsonb().$type<readonly string[]>().notNull(),
  active: boolean().notNull().default(true),
  failingSince: time(),
  disabledAt: time(),
  disabledReason: text({ enum: ['gone', 'failing', 'overrun'] }),
})

export const webhookSecrets = pgSchema('plinth').table('webhook_secrets', {
  tenantId: uuid('tenant_id').notNull(),
  id: uuid().notNull(),
  secret: text().notNull(),
})

export const deliveryStatuses = ['pending', 'delivered', 'failed'] as const

/** One attempt, as it is kept with its delivery. */
export interface Attempt {
  readonly at: string
  /** Of HTTP; null where no answer came. */
  readonly status: number | null
  readonly milliseconds: number
  /** Why it failed, in words; null where it did not. */
  readonly error: string | null
}

export const webhookDeliveries = platformTable('webhook_deliveries', {
  webhookId: uuid().notNull(),
  eventId: uuid().notNull(),
  type: text().notNull(),
  key: text().notNull(),
  body: text().notNull(),
  status: text({ enum: deliveryStatuses }).notNull(),
  attempts: integer().notNull().default(0),
  nextAt: time(),
  deliveredAt: time(),
  log: jsonb().$type<readonly Attempt[]>().notNull(),
  requestId: text().notNull(),
  traceparent: text(),
})
