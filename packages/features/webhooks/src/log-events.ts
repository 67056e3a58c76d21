/** The names of this feature's log lines. */
export const webhookLogEvents = {
  delivered: 'webhook_delivered',
  attemptFailed: 'webhook_attempt_failed',
  deliveryFailed: 'webhook_delivery_failed',
  disabled: 'webhook_disabled',
  senderInterrupted: 'webhook_sender_interrupted',
} as const
