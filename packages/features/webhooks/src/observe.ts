import { statement, type Observed, type Platform, type Resilience } from '@plinth/core'
import { databaseTime } from './database-time.ts'

/** What webhooks show of themselves. That receivers fail is no sickness of this service, and no check. */
export function observeWebhooks(platform: Platform, way: Resilience): Observed {
  const { database } = platform
  return {
    resilience: [way],
    metrics: [
      {
        name: 'plinth_webhook_waiting',
        help: 'Deliveries that are not through: never tried, or to be tried again.',
        type: 'gauge',
        read: async () => {
          const [row] = await database.systemStatement(statement`
            select count(*)::int as waiting from plinth.webhook_deliveries where status = 'pending'`)
          return [{ value: Number(row?.['waiting'] ?? 0) }]
        },
      },
      {
        name: 'plinth_webhook_oldest_seconds',
        help: 'How long the oldest delivery has been due that was never tried, of webhooks that do not fail or rest.',
        type: 'gauge',
        read: async () => {
          const at = databaseTime(platform)
          const [row] = await database.systemStatement(statement`
            select coalesce(max(extract(epoch from ${at} - d.next_at)), 0)::text as seconds
            from plinth.webhook_deliveries d join plinth.webhooks_out w on w.tenant_id = d.tenant_id and w.id = d.webhook_id
            join plinth.tenants c on c.id = d.tenant_id and c.status = 'active'
            where d.status = 'pending' and d.tried_at is null and w.active and w.failing_since is null
              and (w.paused_until is null or w.paused_until < ${at})`)
          return [{ value: Math.max(0, Number(row?.['seconds'] ?? 0)) }]
        },
      },
    ],
  }
}
