import { isUuid, lockedRow, problem, refuseQuery, statement, type Call, type TextAnswer } from '@plinth/core'
import { databaseTime } from '../database-time.ts'
import { hearing, TEST } from '../event-patterns.ts'
import { webhookRedelivered } from '../events.ts'
import { MOST_ATTEMPTS } from '../send/pauses.ts'
import { webhookDeliveries } from '../tables.ts'
import { accepted, ofWebhook } from './show-delivery.ts'

/** `POST /webhooks/:id/deliveries/:deliveryId/redeliver`: the same bytes under the same id, with all attempts anew. */
export async function redeliver(given: Call, poke: () => void): Promise<TextAnswer> {
  refuseQuery(given)
  const { platform, scope, parameters } = given
  const { id: webhookId = '' } = parameters
  if (!isUuid(webhookId)) throw problem('not_found')
  const call = ofWebhook(given)
  const { tenantId } = scope
  return call.transactAsSystem(async (system, transaction) => {
    // The webhook before its delivery, as whoever deletes it holds them.
    const [webhook] = await system.run(statement`
      select id, active, events from plinth.webhooks_out where tenant_id = ${tenantId}::uuid and id = ${webhookId}::uuid for share`)
    const row = await lockedRow(call, transaction, platform.registry.byTable.get(webhookDeliveries)!)
    const [id, type] = [String(row['id']), String(row['type'])]
    if (type !== TEST) {
      if (webhook?.['active'] !== true)
        throw problem('conflict', { detail: 'The webhook is not active. Switch it on first.' })
      // Whoever pointed it elsewhere may read what it hears now, and not what it heard before.
      const heard = JSON.parse(String(webhook['events'])) as readonly string[]
      if (!hearing(type).some((pattern) => heard.includes(pattern)))
        throw problem('conflict', { detail: `The webhook does not hear '${type}' any more.` })
    }
    const at = databaseTime(platform)
    // One statement: of two who ask at once, one finds it on its way.
    const [again] = await system.run(statement`
      update plinth.webhook_deliveries
      set status = 'pending', attempts = 0, most_attempts = ${type === TEST ? 1 : MOST_ATTEMPTS}::int, delivered_at = null,
        next_at = ${at}, version = version + 1, updated_at = ${at}
      where tenant_id = ${tenantId}::uuid and id = ${id}::uuid and status <> 'pending' returning id`)
    if (!again) throw problem('conflict', { detail: 'It is on its way.' })
    const data = { id: webhookId.toLowerCase(), deliveryId: id, eventType: type }
    await transaction.emit({ type: webhookRedelivered.type, key: `webhook:${webhookId.toLowerCase()}`, data })
    transaction.afterCommit(poke)
    return accepted(call, transaction, id)
  })
}
