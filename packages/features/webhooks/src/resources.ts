import { defineResource, type EventCatalog, type Principal, type Resource } from '@plinth/core'
import { eventList } from './event-patterns.ts'
import { webhookDeliveries, webhooksOut } from './tables.ts'
import { refuseUrl } from './url/url-rule.ts'

/** What the rules of a webhook are decided by; known when the platform is put together. */
export interface WebhookRules {
  readonly catalog: () => EventCatalog
  /** WEBHOOKS_ALLOW_HOSTS */
  readonly listed: () => readonly string[]
  /** @throws permission_denied */
  readonly refuseUnheard: (principal: Principal, events: readonly string[]) => void
}

/** `/webhooks`; made by hand, since the answer holds the secret. */
export function webhookResource(rules: WebhookRules): Resource {
  return defineResource({
    table: webhooksOut,
    name: 'webhook',
    path: 'webhooks',
    description: 'URLs that are told what happens in the tenant',
    fields: {
      url: {
        filter: true,
        description: 'Where requests go: https, and a public address unless the operator allows its host',
        schema: (url) => url.min(1).max(2_000).meta({ format: 'uri' }),
      },
      description: { search: true, schema: (text) => text.max(500) },
      events: { schema: () => eventList(rules.catalog) },
      active: { filter: true, description: 'Whether anything is sent; what happens meanwhile is not sent later' },
      failingSince: { filter: true, readOnly: true, description: 'Since when nothing arrives' },
      disabledAt: { readOnly: true, description: 'When the platform switched it off, where it did' },
      disabledReason: {
        readOnly: true,
        description:
          '`gone`: it answered 410. `failing`: for days nothing arrived. `overrun`: more waited for it than may',
      },
    },
    operations: { create: false, bulk: false },
    hooks: {
      beforeUpdate({ principal }, row, patch) {
        if (patch.url !== undefined && patch.url !== row.url) refuseUrl(patch.url, rules.listed())
        // Whoever points it elsewhere has sent there what it hears, whoever chose that.
        if (patch.url === undefined && patch.events === undefined && patch.active !== true) return
        rules.refuseUnheard(principal, patch.events ?? row.events)
      },
    },
  }) as unknown as Resource
}

/** What was sent, under its webhook. Its body is an event: those who see that something was sent need not see what. */
export const webhookDelivery = defineResource({
  table: webhookDeliveries,
  name: 'webhookDelivery',
  description: 'What was, is or shall be sent to a webhook, and what became of it',
  operations: { create: false, update: false, delete: false, list: false, read: false },
  fields: {
    webhookId: { readOnly: true },
    eventId: { filter: true, readOnly: true, description: 'The header webhook-id, the same each time that it is sent' },
    type: { filter: true, readOnly: true, description: 'Of the event' },
    key: { filter: true, readOnly: true, description: 'Events of one key are sent in order, as long as they arrive' },
    body: { readOnly: true, restricted: 'read', description: 'As it is sent' },
    status: { filter: true, readOnly: true },
    attempts: { readOnly: true, description: 'How often it was tried, since it was last asked for' },
    nextAt: { sort: true, readOnly: true, description: 'When it is tried next' },
    deliveredAt: { sort: true, readOnly: true },
    log: { readOnly: true, description: 'The last attempts: when, what was answered, how long it took, why it failed' },
    requestId: { filter: true, readOnly: true, description: 'The request that caused it' },
    traceparent: { readOnly: true, description: 'The trace of that request (W3C Trace Context)' },
  },
})
