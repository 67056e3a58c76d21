import { asPrincipal, givenTime, statement, systemPrincipal, type Platform, type SweepWork } from '@plinth/core'
import { randomUUID } from 'node:crypto'
import { databaseTime } from './database-time.ts'
import type { WebhooksSettings } from './options.ts'
import { switchOff } from './send/switch-off.ts'

/** Rows of one statement. */
const AT_ONCE = 5_000
/** Statements of one round: what is left is for the next. */
const MOST_ROUNDS = 200

/** What has had its time goes. By the clock of the server, as it was made. */
export function sweepDeliveries(
  platform: Platform,
  now: Date,
  { keepMs }: Pick<WebhooksSettings, 'keepMs'>,
): SweepWork {
  // A round of a platform with a clock of its own is told when it is.
  const at = givenTime(platform) ? statement`${now}::text::timestamptz` : databaseTime(platform)
  return async () => {
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const gone = await platform.database.systemStatement(statement`
        delete from plinth.webhook_deliveries where (tenant_id, id) in (
          select tenant_id, id from plinth.webhook_deliveries
          where created_at < ${at} - make_interval(secs => ${keepMs / 1_000}::text::double precision)
            and (lease is null or lease_until < ${at}) limit ${AT_ONCE}::int)
        returning 1`)
      if (gone.length < AT_ONCE) return
    }
  }
}

/**
 * Switches off webhooks for which more waits than may: a receiver that takes less than happens would fill the table, of all tenants, in the
 * days for which each is tried.
 */
export function switchOffOverrun(
  platform: Platform,
  { mostWaiting }: Pick<WebhooksSettings, 'mostWaiting'>,
): SweepWork {
  const { database, registry } = platform
  return async () => {
    const rows = await database.systemStatement(statement`
      select d.tenant_id, d.webhook_id from plinth.webhook_deliveries d
      join plinth.webhooks_out w on w.tenant_id = d.tenant_id and w.id = d.webhook_id and w.active
      where d.status = 'pending' group by d.tenant_id, d.webhook_id having count(*) > ${mostWaiting}::int`)
    for (const row of rows) {
      const webhookId = String(row['webhook_id'])
      const tenant = await database.findTenant(String(row['tenant_id']))
      if (!tenant) continue
      const principal = systemPrincipal(registry.permissions, `webhook ${webhookId}`)
      await asPrincipal(platform, { principal, tenant, requestId: randomUUID() }, (ctx, transaction) =>
        switchOff(platform, { ctx, transaction, webhookId, reason: 'overrun' }),
      )
    }
  }
}
