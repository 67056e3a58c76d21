import { statement, type Platform } from '@plinth/core'
import { databaseTime } from '../database-time.ts'

/** Rows of one statement. */
const AT_ONCE = 5_000

/**
 * Ends what waits for webhooks that were switched off, or do not hear it any more: until that is done nothing is sent to them (`prune`, which a
 * trigger sets). Webhooks one after the other; whoever prunes one keeps others from it.
 */
export async function pruneDeliveries(platform: Platform): Promise<void> {
  for (;;) {
    const [pruned] = await platform.database.systemStatement(statement`
      with t as (select ${databaseTime(platform)} as now),
      w as materialized (
        select tenant_id, id, active, events from plinth.webhooks_out where prune order by tenant_id, id limit 1
        for no key update skip locked),
      gone as (
        update plinth.webhook_deliveries d
        set status = 'failed', next_at = null, version = d.version + 1, updated_at = t.now
        from t where (d.tenant_id, d.id) in (
          select p.tenant_id, p.id from w join plinth.webhook_deliveries p on p.tenant_id = w.tenant_id and p.webhook_id = w.id
          where p.status = 'pending' and p.lease is null and p.type <> 'webhook.test'
            and (not w.active or not w.events ?| array['*', split_part(p.type, '.', 1) || '.*', p.type])
          limit ${AT_ONCE}::int)
        returning 1)
      update plinth.webhooks_out o set prune = (select count(*) from gone) = ${AT_ONCE}::int
      from w where o.tenant_id = w.tenant_id and o.id = w.id returning o.id`)
    if (!pruned) return
  }
}
