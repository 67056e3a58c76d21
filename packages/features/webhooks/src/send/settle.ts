import {
  asPrincipal,
  statement,
  systemPrincipal,
  type Context,
  type FixedStatement,
  type Platform,
  type Transaction,
} from '@plinth/core'
import { databaseTime } from '../database-time.ts'
import { hearing, TEST } from '../event-patterns.ts'
import { webhookDeliveryFailed } from '../events.ts'
import { webhookLogEvents } from '../log-events.ts'
import type { AttemptResult } from './attempt.ts'
import type { Claimed } from './claim.ts'
import { FAILING_MS, pauseAfter } from './pauses.ts'
import { switchOff } from './switch-off.ts'

/** Attempts that are kept with a delivery. */
const KEPT = 20

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
  const pause = pauseAfter(attempts, delivery.mostAttempts)
  const isGone = result.gone && (await goesThereStill(platform, delivery))
  if (isGone || pause === undefined) await giveUp(platform, delivery, { ...result, gone: isGone })
  else if (await writeFailed(platform, delivery, result, pause)) {
    const { webhookId } = delivery
    await asItself(platform, delivery, (ctx, transaction) =>
      switchOff(platform, { ctx, transaction, webhookId, reason: 'failing' }),
    )
  }
}

/** Whether the webhook was not pointed elsewhere meanwhile. */
async function goesThereStill({ database }: Platform, delivery: Claimed): Promise<boolean> {
  const found = await database.systemStatement(
    statement`select w.id from plinth.webhooks_out w where ${sameWebhook(delivery)}`,
  )
  return found.length > 0
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
 * Until when a webhook `w` that failed at a time is left alone: as long as it asked for, and half of the time for which it has failed, a minute at
 * most. One failure among others is none; of a receiver that is away each rest is longer than the one before, and what waits for it is not
 * tried a hundred times a second.
 */
function restUntil(at: FixedStatement, askedSeconds: number): FixedStatement {
  return statement`greatest(w.paused_until, ${at} + make_interval(secs => greatest(${askedSeconds}::int,
      least(60, extract(epoch from ${at} - coalesce(w.failing_since, ${at})) / 2))))`
}

/** The row of the webhook is held before that of the delivery, as whoever deletes it does: the two would else wait for each other. */
async function writeDelivered(platform: Platform, delivery: Claimed, result: AttemptResult): Promise<void> {
  const at = databaseTime(platform)
  await platform.database.systemStatement(statement`
    with held as materialized (select from plinth.webhooks_out w where ${sameWebhook(delivery)} and w.failing_since is not null for no key update),
    done as (
      update plinth.webhook_deliveries d
      set status = 'delivered', attempts = d.attempts + 1, delivered_at = ${at}, tried_at = ${at}, next_at = null, lease = null,
        lease_until = null, log = ${logOf(result, platform)}, version = d.version + 1, updated_at = ${at}
      where ${own(delivery)} and (select count(*) from held) >= 0 returning d.id)
    update plinth.webhooks_out w set failing_since = null, version = w.version + 1, updated_at = ${at}
    from done where ${sameWebhook(delivery)} and w.failing_since is not null`)
}

/** @returns whether nothing has arrived for days */
async function writeFailed(
  platform: Platform,
  delivery: Claimed,
  result: AttemptResult,
  pauseSeconds: number,
): Promise<boolean> {
  const at = databaseTime(platform)
  const rest = result.restSeconds ?? 0
  const [webhook] = await platform.database.systemStatement(statement`
    with held as materialized (
      select w.active and (w.events ?| ${hearing(delivery.type)}::text[]) or ${delivery.type}::text = ${TEST}::text as goes_on
      from plinth.webhooks_out w
      where w.tenant_id = ${delivery.tenantId}::uuid and w.id = ${delivery.webhookId}::uuid for no key update),
    failed as (
      update plinth.webhook_deliveries d
      set attempts = d.attempts + 1, tried_at = ${at}, status = case when held.goes_on then 'pending' else 'failed' end,
        next_at = case when held.goes_on then ${at} + make_interval(secs => ${Math.max(pauseSeconds, rest)}::int) end,
        lease = null, lease_until = null, log = ${logOf(result, platform)}, version = d.version + 1, updated_at = ${at}
      from held where ${own(delivery)} returning d.id)
    update plinth.webhooks_out w
    set failing_since = coalesce(w.failing_since, ${at}), version = w.version + (w.failing_since is null)::int,
      paused_until = ${restUntil(at, rest)}
    from failed where ${sameWebhook(delivery)}
    returning ${forDays(at)} as for_days`)
  return webhook?.['for_days'] === true
}

/** No more attempts: told as an event, but for what tells of webhooks, or each that fails would be one more for all others. */
async function giveUp(platform: Platform, delivery: Claimed, result: AttemptResult): Promise<void> {
  const { webhookId, id: deliveryId, type: eventType, requestId } = delivery
  await asItself(platform, delivery, async (ctx, transaction) => {
    const at = databaseTime(platform)
    await transaction.run(statement`select from plinth.webhooks_out w where ${sameWebhook(delivery)} for no key update`)
    const [given] = await transaction.run(statement`
      update plinth.webhook_deliveries d
      set status = 'failed', attempts = d.attempts + 1, tried_at = ${at}, next_at = null, lease = null, lease_until = null,
        log = ${logOf(result, platform)}, version = d.version + 1, updated_at = ${at}
      where ${own(delivery)} returning d.id`)
    if (!given) return
    if (!eventType.startsWith('webhook.'))
      await ctx.emit(webhookDeliveryFailed, `webhook:${webhookId}`, { id: webhookId, deliveryId, eventType })
    platform.log.warn(webhookLogEvents.deliveryFailed, {
      webhook: webhookId,
      delivery: deliveryId,
      type: eventType,
      requestId,
    })
    // One that was only tried says nothing of the others.
    if (eventType === TEST && !result.gone) return
    const [webhook] = await transaction.run(statement`
      update plinth.webhooks_out w set failing_since = coalesce(w.failing_since, ${at}), paused_until = ${restUntil(at, result.restSeconds ?? 0)}
      where ${sameWebhook(delivery)} returning ${forDays(at)} as for_days`)
    if (result.gone && webhook) await switchOff(platform, { ctx, transaction, webhookId, reason: 'gone' })
    else if (webhook?.['for_days'] === true)
      await switchOff(platform, { ctx, transaction, webhookId, reason: 'failing' })
  })
}

/** The webhook, as far as it still goes where this was sent: what another address answered is nothing to it. */
function sameWebhook({ tenantId, webhookId, url }: Claimed): FixedStatement {
  return statement`w.tenant_id = ${tenantId}::uuid and w.id = ${webhookId}::uuid and w.url = ${url}::text`
}

function forDays(at: FixedStatement): FixedStatement {
  return statement`(w.active and w.failing_since < ${at} - make_interval(secs => ${FAILING_MS / 1_000}::int))`
}

async function asItself(
  platform: Platform,
  { tenantId, webhookId, requestId }: Claimed,
  work: (ctx: Context, transaction: Transaction) => Promise<void>,
): Promise<void> {
  const tenant = await platform.database.findTenant(tenantId)
  if (!tenant) return // gone, and its webhooks with it
  const principal = systemPrincipal(platform.registry.permissions, `webhook ${webhookId}`)
  await asPrincipal(platform, { principal, tenant, requestId }, work)
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
