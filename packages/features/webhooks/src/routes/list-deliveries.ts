import { listRows, problem, readRow, type Answer, type Call } from '@plinth/core'
import { webhooksOut } from '../tables.ts'
import { ofWebhook } from './show-delivery.ts'

/** `GET /webhooks/:id/deliveries`, like every list. */
export async function listDeliveries(call: Call): Promise<Answer> {
  await refuseUnseen(call)
  return listRows(ofWebhook(call))
}

/** `GET /webhooks/:id/deliveries/:deliveryId`. */
export async function readDelivery(call: Call): Promise<Answer> {
  await refuseUnseen(call)
  return readRow(ofWebhook(call))
}

/** An empty list would say that nothing was sent, and not that there is no such webhook. @throws not_found */
async function refuseUnseen({ platform, request, session, parameters: { id = '' } }: Call): Promise<void> {
  const { registry } = platform
  const reading = registry.permissions.numberOf('webhook', 'read')!
  const visible = request.principal.permissions.condition(reading)
  const webhook = await session.read({ resource: registry.byTable.get(webhooksOut)!, id, visible })
  if (!webhook) throw problem('not_found')
}
