import { asPrincipal, givenTime, statement, systemPrincipal, type FixedStatement, type Platform } from '@plinth/core'
import { webhookDeliveryFailed } from '../events.ts'
import { webhookLogEvents } from '../log-events.ts'
import type { AttemptResult } from './attempt.ts'
import type { Claimed } from './claim.ts'
import { FAILING_MS, pauseAfter } from './pauses.ts'
import { switchOff } from './switch-off.ts'

/** Attempts that are kept with a delivery. */
const KEPT = 20

const timeOf = (platform: Platform): FixedStatement =>
  statement`coalesce(${givenTime(platform)}::text::timestamptz, statement_timestamp())`

/**
 * Says what came of an attempt, unless the delivery is another's by now: its lease was over, and what is true is what that one says.
 */
export async function settle(platform: Platform, delivery: Claimed, result: AttemptResult): Promise<void> {
  const { log } = platform
  const attempts = delivery.attempts + 1
  const shared = {
    webhook: delivery.webhookId,
    delivery: delivery.id,
    type: delivery.type,
    requestId: delivery.requestId,
  }
  const fields = { ...shared, status: result.status, milliseconds: result.milliseconds, attempt: attempts }
  if (result.delivered) {
    await writeDelivered(platform, delivery, result)
    log.debug(webhookLogEvents.delivered, fields)
    return
  }
  // By the tenant, and no fault of ours: not among the warnings.
  log.info(webhookLogEvents.attemptFailed, { ...fields, reason: result.error })
  const pause = result.gone ? undefined : pauseAfter(attempts, delivery.mostAttempts)
  if (pause !== undefined) await writeFailed(platform, delivery, result, pause)
  else await giveUp(platform, delivery, result)
}

function logOf(result: AttemptResult, platform: Platform): FixedStatement {
  const { status, milliseconds, error } = result
  const entry = JSON.stringify([{ at: platform.clock.now().toISOString(), status, milliseconds, error }])
  // The oldest go.
  return statement`(select coalesce(jsonb_agg(e.v order by e.n), '[]') from (
      select v, n from jsonb_array_elements(d.log || ${entry}::text::jsonb) with ordinality a(v, n) order by n desc limit ${KEPT}::int) e)`
}

function own({ tenantId, id, lease }: Claimed): FixedStatement {
  return statement`d.tenant_id = ${tenantId}::uuid and d.id = ${id}::uuid and d.lease = ${lease}::uuid and d.status = 'pending'`
}

/**
 * Until when a webhook `w` that failed at a time is left alone: as long as it asked for, and at least a second; the longer it has failed the
 * longer, a minute at most. What waits for it is tried once, and not all of it a hundred times a second.
 */
function restUntil(at: FixedStatement, askedSeconds: number): FixedStatement {
  return statement`greatest(w.paused_until, ${at} + make_interval(secs => greatest(${askedSeconds}::int,
      least(60, greatest(1, extract(epoch from ${at} - coalesce(w.failing_since, ${at})) / 10)))))`
}

async function writeDelivered(platform: Platform, delivery: Claimed, result: AttemptResult): Promise<void> {
  const at = timeOf(platform)
  await platform.database.systemStatement(statement`
    with done as (
      update plinth.webhook_deliveries d
      set status = 'delivered', attempts = d.attempts + 1, delivered_at = ${at}, tried_at = ${at}, next_at = null, lease = null,
        lease_until = null, log = ${logOf(result, platform)}, version = d.version + 1, updated_at = ${at}
      where ${own(delivery)} returning d.tenant_id, d.webhook_id)
    update plinth.webhooks_out w set failing_since = null, version = w.version + 1, updated_at = ${at}
    from done where w.tenant_id = done.tenant_id and w.id = done.webhook_id and w.failing_since is not null`)
}

async function writeFailed(
  platform: Platform,
  delivery: Claimed,
  result: AttemptResult,
  pauseSeconds: number,
): Promise<void> {
  const at = timeOf(platform)
  const rest = result.restSeconds ?? 0
  await platform.database.systemStatement(statement`
    with failed as (
      update plinth.webhook_deliveries d
      set attempts = d.attempts + 1, tried_at = ${at}, next_at = ${at} + make_interval(secs => ${Math.max(pauseSeconds, rest)}::int),
        lease = null, lease_until = null, log = ${logOf(result, platform)}, version = d.version + 1, updated_at = ${at}
      where ${own(delivery)} returning d.tenant_id, d.webhook_id)
    update plinth.webhooks_out w
    set failing_since = coalesce(w.failing_since, ${at}), version = w.version + (w.failing_since is null)::int,
      paused_until = ${restUntil(at, rest)}
    from failed where w.tenant_id = failed.tenant_id and w.id = failed.webhook_id`)
}

/** No more attempts: told as an event, and the webhook is switched off where it is gone, or nothing has arrived for days. */
async function giveUp(platform: Platform, delivery: Claimed, result: AttemptResult): Promise<void> {
  const { registry, database, log } = platform
  const { tenantId, webhookId, id: deliveryId, type: eventType, requestId } = delivery
  const tenant = await database.findTenant(tenantId)
  if (!tenant) return // gone, and its deliveries with it
  const principal = systemPrincipal(registry.permissions, `webhook ${webhookId}`)
  await asPrincipal(platform, { principal, tenant, requestId }, async (ctx, transaction) => {
    const at = timeOf(platform)
    const [given] = await transaction.run(statement`
      update plinth.webhook_deliveries d
      set status = 'failed', attempts = d.attempts + 1, tried_at = ${at}, next_at = null, lease = null, lease_until = null,
        log = ${logOf(result, platform)}, version = d.version + 1, updated_at = ${at}
      where ${own(delivery)} returning d.id`)
    if (!given) return
    const key = `webhook:${webhookId}`
    await ctx.emit(webhookDeliveryFailed, key, { id: webhookId, deliveryId, eventType })
    log.warn(webhookLogEvents.deliveryFailed, { webhook: webhookId, delivery: deliveryId, type: eventType, requestId })
    // One that was only tried says nothing of the others.
    if (eventType === 'webhook.test' && !result.gone) return
    const [webhook] = await transaction.run(statement`
      update plinth.webhooks_out w set failing_since = coalesce(w.failing_since, ${at}), paused_until = ${restUntil(at, 0)}
      where w.tenant_id = ${tenantId}::uuid and w.id = ${webhookId}::uuid
      returning w.failing_since < ${at} - make_interval(secs => ${FAILING_MS / 1_000}::int) as for_days`)
    if (result.gone) await switchOff(platform, { ctx, transaction, webhookId, reason: 'gone' })
    else if (webhook?.['for_days'] === true)
      await switchOff(platform, { ctx, transaction, webhookId, reason: 'failing' })
  })
}

/** Gives back what was taken and not tried: nothing is counted. */
export async function release(platform: Platform, deliveries: readonly Claimed[]): Promise<void> {
  if (deliveries.length === 0) return
  const column = (name: 'tenantId' | 'id' | 'lease'): string[] => deliveries.map((one) => one[name])
  await platform.database.systemStatement(statement`
    update plinth.webhook_deliveries d set lease = null, lease_until = null
    from unnest(${column('tenantId')}::uuid[], ${column('id')}::uuid[], ${column('lease')}::uuid[]) r(tenant_id, id, lease)
    where d.tenant_id = r.tenant_id and d.id = r.id and d.lease = r.lease`)
}
