import {
  and,
  compare,
  fieldView,
  jsonAnswer,
  rowPrinter,
  type Call,
  type TextAnswer,
  type Transaction,
} from '@plinth/core'
import { webhookDeliveries } from '../tables.ts'

/** A call about the deliveries of the webhook in its path: what else is in its own table is not there. */
export function ofWebhook(call: Call): Call {
  const { id = '', deliveryId } = call.parameters
  return {
    ...call,
    parameters: { ...call.parameters, ...(deliveryId !== undefined && { id: deliveryId }) },
    visible: and(call.visible, compare('webhookId', 'eq', id.toLowerCase())),
  }
}

/** A delivery that will be sent. */
export async function accepted(call: Call, transaction: Transaction, id: string): Promise<TextAnswer> {
  const { platform, request } = call
  const resource = platform.registry.byTable.get(webhookDeliveries)!
  const view = fieldView(platform.registry, request.principal, resource)
  const printer = rowPrinter(resource, view)
  const row = await transaction.read({ resource, id, visible: call.visible, view })
  if (!row) return jsonAnswer(202, JSON.stringify({ id }))
  return jsonAnswer(202, printer.print(row), { etag: printer.etag(row) })
}
