import { defineEvent } from '@plinth/core'
import { z } from 'zod'

const id = z.string().describe('Of the webhook')
const delivery = z.object({ id, deliveryId: z.string(), eventType: z.string() })

/** Somebody set up a webhook. Its changes and its end are told as those of every resource. */
export const webhookCreated = defineEvent('webhook.created', {
  schema: z.object({ id, url: z.string(), events: z.array(z.string()), active: z.boolean() }),
  description: 'Somebody set up a webhook.',
})
/** A webhook has another secret. */
export const webhookSecretRotated = defineEvent('webhook.secret_rotated', {
  schema: z.object({ id, formerEnds: z.iso.datetime().describe('Until when the secret before it signs as well') }),
  description: 'A webhook has another secret.',
})
/** Somebody had something sent to try it. */
export const webhookTested = defineEvent('webhook.tested', {
  schema: z.object({ id, deliveryId: z.string() }),
  description: 'Somebody had something sent to a webhook, to try it.',
})
/** Somebody had a delivery sent again. */
export const webhookRedelivered = defineEvent('webhook.redelivered', {
  schema: delivery,
  description: 'Somebody had a delivery of a webhook sent again.',
})
/** A delivery is given up: nobody took it in three days. */
export const webhookDeliveryFailed = defineEvent('webhook.delivery_failed', {
  schema: delivery,
  description: 'A delivery of a webhook is given up.',
})
/** The platform switched a webhook off. */
export const webhookDisabled = defineEvent('webhook.disabled', {
  schema: z.object({
    id,
    reason: z
      .enum(['gone', 'failing', 'overrun'])
      .describe('`gone`: it answered 410. `failing`: for days nothing arrived. `overrun`: more waited for it than may'),
  }),
  description: 'The platform switched a webhook off.',
})

/** What this feature tells of by hand. */
export const webhookEvents = [
  webhookCreated,
  webhookSecretRotated,
  webhookTested,
  webhookRedelivered,
  webhookDeliveryFailed,
  webhookDisabled,
]
