import { always, lockedRow, refuseQuery, statement, type Call, type TextAnswer } from '@plinth/core'
import { randomUUID } from 'node:crypto'
import { databaseTime } from '../database-time.ts'
import { TEST } from '../event-patterns.ts'
import { webhookTested } from '../events.ts'
import { bodyOf } from '../put-deliveries.ts'
import { webhooksOut } from '../tables.ts'
import { accepted } from './show-delivery.ts'

/** `POST /webhooks/:id/test`: something to receive, once, whether the webhook is active or not. */
export async function sendTest(call: Call, poke: () => void): Promise<TextAnswer> {
  refuseQuery(call)
  const { registry } = call.platform
  const { tenantId, now: time, requestId, actor, traceparent = null } = call.scope
  return call.transactAsSystem(async (system, transaction) => {
    const row = await lockedRow(call, transaction, registry.byTable.get(webhooksOut)!)
    const webhookId = String(row['id'])
    const [id, eventId, key] = [randomUUID(), randomUUID(), `webhook:${webhookId}`]
    const data = { id: webhookId, message: 'Nothing happened: this was sent to see whether it arrives.' }
    const body = bodyOf({ id: eventId, tenantId, type: TEST, version: 1, key, data, actor, requestId, time })
    await system.run(statement`
      insert into plinth.webhook_deliveries (tenant_id, id, created_at, updated_at, webhook_id, event_id, type, key, body, most_attempts,
        next_at, request_id, traceparent)
      select ${tenantId}::uuid, ${id}::uuid, t.at, t.at, ${webhookId}::uuid, ${eventId}::uuid, ${TEST}::text, ${key}::text, ${body}::text, 1,
        t.at, ${requestId}::text, ${traceparent}::text
      from (select ${databaseTime(call.platform)} as at) t`)
    await transaction.emit({ type: webhookTested.type, key, data: { id: webhookId, deliveryId: id } })
    transaction.afterCommit(poke)
    return accepted({ ...call, visible: always }, transaction, id)
  })
}
