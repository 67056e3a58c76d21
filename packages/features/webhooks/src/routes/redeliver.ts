import { lockedRow, problem, refuseQuery, statement, type Call, type TextAnswer } from '@plinth/core'
import { hearing } from '../event-patterns.ts'
import { webhookRedelivered } from '../events.ts'
import { MOST_ATTEMPTS } from '../send/pauses.ts'
import { webhookDeliveries } from '../tables.ts'
import { accepted, ofWebhook } from './show-delivery.ts'
import { TEST } from './send-test.ts'

/** `POST /webhooks/:id/deliveries/:deliveryId/redeliver`: the same bytes under the same id, with all attempts anew. */
export async function redeliver(given: Call, poke: () => void): Promise<TextAnswer> {
  refuseQuery(given)
  const call = ofWebhook(given)
  const { registry } = call.platform
  const { tenantId, now } = call.scope
  return call.transactAsSystem(async (system, transaction) => {
    const row = await lockedRow(call, transaction, registry.byTable.get(webhookDeliveries)!)
    const [id, webhookId, type] = ['id', 'webhookId', 'type'].map((name) => String(row[name])) as [
      string,
      string,
      string,
    ]
    const [webhook] = await system.run(statement`
      select active, events ?| ${hearing(type)}::text[] as hears from plinth.webhooks_out
      where tenant_id = ${tenantId}::uuid and id = ${webhookId}::uuid for share`)
    if (webhook?.['active'] !== true && type !== TEST)
      throw problem('conflict', { detail: 'The webhook is not active. Switch it on first.' })
    // Whoever pointed it elsewhere may read what it hears now, and not what it heard before.
    if (webhook?.['hears'] !== true && type !== TEST)
      throw problem('conflict', { detail: `The webhook does not hear '${type}' any more.` })
    // One statement: of two who ask at once, one finds it on its way.
    const [again] = await system.run(statement`
      update plinth.webhook_deliveries
      set status = 'pending', attempts = 0, most_attempts = ${type === TEST ? 1 : MOST_ATTEMPTS}::int, delivered_at = null,
        next_at = ${now}::text::timestamptz, version = version + 1, updated_at = ${now}::text::timestamptz
      where tenant_id = ${tenantId}::uuid and id = ${id}::uuid and status <> 'pending' returning id`)
    if (!again) throw problem('conflict', { detail: 'It is on its way.' })
    const data = { id: webhookId, deliveryId: id, eventType: type }
    await transaction.emit({ type: webhookRedelivered.type, key: `webhook:${webhookId}`, data })
    transaction.afterCommit(poke)
    return accepted(call, transaction, id)
  })
}
