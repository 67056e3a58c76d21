import { asPrincipal, givenTime, statement, systemPrincipal, type FixedStatement, type Platform } from '@plinth/core'
import { randomUUID } from 'node:crypto'
import type { WebhooksSettings } from './options.ts'
import { switchOff } from './send/switch-off.ts'

/** Rows of one round. */
const SWEPT = 5_000

/** What has had its time goes, and what its webhook does not hear any more waits no longer. By the clock of the server, as they were made. */
export function sweepDeliveries(
  now: Date | null,
  { keepMs }: Pick<WebhooksSettings, 'keepMs'>,
): readonly FixedStatement[] {
  const at = statement`coalesce(${now}::text::timestamptz, statement_timestamp())`
  return [
    statement`
      delete from plinth.webhook_deliveries where (tenant_id, id) in (
        select tenant_id, id from plinth.webhook_deliveries
        where created_at < ${at} - make_interval(secs => ${keepMs / 1_000}::text::double precision)
          and (lease is null or lease_until < ${at}) limit ${SWEPT}::int)`,
    statement`
      update plinth.webhook_deliveries d set status = 'failed', next_at = null, version = d.version + 1, updated_at = ${at}
      where (d.tenant_id, d.id) in (
        select p.tenant_id, p.id from plinth.webhook_deliveries p
        join plinth.webhooks_out w on w.tenant_id = p.tenant_id and w.id = p.webhook_id
        where p.status = 'pending' and p.lease is null and p.type <> 'webhook.test'
          and not w.events ?| array['*', split_part(p.type, '.', 1) || '.*', p.type] limit ${SWEPT}::int)
        and d.status = 'pending' and d.lease is null`,
  ]
}

/**
 * Switches off webhooks for which more waits than may: a receiver that takes less than happens would fill the table, of all tenants, in the
 * days for which each is tried.
 */
export async function switchOffOverrun(
  platform: Platform,
  { mostWaiting }: Pick<WebhooksSettings, 'mostWaiting'>,
): Promise<void> {
  const { database, registry } = platform
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

/** The time that the platform was given, where it was; else the server's own. */
export function sweptAt(platform: Platform | undefined, now: Date): Date | null {
  return platform && givenTime(platform) ? now : null
}
