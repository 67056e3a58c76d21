export { webhooks } from './webhooks.ts'
export type { WebhooksOptions } from './options.ts'
export type { WebhooksParts } from './webhooks.ts'
export {
  webhookCreated,
  webhookDeliveryFailed,
  webhookDisabled,
  webhookRedelivered,
  webhookSecretRotated,
  webhookTested,
} from './events.ts'
export { webhookDeliveries, webhooksOut, type Attempt } from './tables.ts'
export { signWebhook, type SignedMessage } from './sign/sign-webhook.ts'
export {
  verifyWebhook,
  WebhookVerificationError,
  type VerifyOptions,
  type WebhookRefusal,
} from './sign/verify-webhook.ts'
