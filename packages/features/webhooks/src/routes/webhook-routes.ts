import {
  listAnswerSchema,
  listParameters,
  outputSchema,
  routePartsOf,
  type GuardedRoute,
  type Registry,
  type RouteAnswer,
} from '@plinth/core'
import { z } from 'zod'
import { webhookDeliveries, webhooksOut } from '../tables.ts'
import { createWebhook, newWebhook } from './create-webhook.ts'
import { listDeliveries, readDelivery } from './list-deliveries.ts'
import { redeliver } from './redeliver.ts'
import { rotatedSecret, rotateSecret, rotation } from './rotate-secret.ts'
import { sendTest } from './send-test.ts'

const example = { url: 'https://hooks.example.com/plinth', events: ['*'] }
const taking = ['validation_failed', 'unsupported_media_type', 'body_too_large', 'invalid_query']

/** What is made by hand of `/webhooks`; list, read, change and delete are generated. */
export function webhookRoutes(registry: Registry, mostOfTenant: number, poke: () => void): readonly GuardedRoute[] {
  const { base, common, guard } = routePartsOf(registry, registry.byTable.get(webhooksOut)!)
  const schema = outputSchema(registry.byTable.get(webhooksOut)!)
  const made = (schema as z.ZodObject).extend({
    secret: z.string().describe('Shown this once: it verifies what is sent'),
  })
  return [
    {
      ...common,
      ...guard('create'),
      method: 'POST',
      path: base,
      operationId: 'createWebhook',
      summary: 'Have an URL told of what happens; the answer holds the secret, once',
      body: { schema: newWebhook(registry), example },
      errors: [...taking, 'url_not_allowed', 'conflict', 'answer_not_repeatable'],
      answers: [
        {
          status: 201,
          description: 'The webhook, and its secret',
          schema: made.meta({ id: 'NewWebhookWithSecret' }),
          headers: ['ETag', 'Location'],
        },
      ],
      handle: (call) => createWebhook(call, mostOfTenant),
    },
    {
      ...common,
      ...guard('update'),
      method: 'POST',
      path: `${base}/:id/rotate-secret`,
      operationId: 'rotateWebhookSecret',
      summary: 'Another secret; the one before signs beside it for a day, unless it is leaked',
      body: { schema: rotation, optional: true, example: { immediately: false } },
      errors: [...taking, 'not_found', 'version_mismatch', 'answer_not_repeatable'],
      answers: [{ status: 200, description: 'The new secret, shown this once', schema: rotatedSecret }],
      handle: rotateSecret,
    },
    {
      ...common,
      ...guard('update'),
      method: 'POST',
      path: `${base}/:id/test`,
      operationId: 'testWebhook',
      summary: 'Send something to see whether it arrives, once, to an inactive one too',
      errors: ['invalid_query', 'not_found', 'version_mismatch'],
      answers: [deliveryOf(registry, 'It will be sent')],
      handle: (call) => sendTest(call, poke),
    },
    ...deliveryRoutes(registry, base, poke),
  ]
}

function deliveryOf(registry: Registry, description: string): RouteAnswer {
  const { row } = routePartsOf(registry, registry.byTable.get(webhookDeliveries)!)
  return { ...row, status: 202, description }
}

function deliveryRoutes(registry: Registry, webhooks: string, poke: () => void): readonly GuardedRoute[] {
  const resource = registry.byTable.get(webhookDeliveries)!
  const { common, guard, row } = routePartsOf(registry, resource)
  const base = `${webhooks}/:id/deliveries`
  return [
    {
      ...common,
      ...guard('read'),
      method: 'GET',
      path: base,
      operationId: 'listWebhookDeliveries',
      summary: 'What was, is or shall be sent to a webhook, and what became of it',
      query: listParameters(resource),
      errors: ['invalid_query', 'invalid_cursor', 'too_many_exports', 'not_found'],
      answers: [{ status: 200, description: 'One page', schema: listAnswerSchema(outputSchema(resource)) }],
      handle: listDeliveries,
    },
    {
      ...common,
      ...guard('read'),
      method: 'GET',
      path: `${base}/:deliveryId`,
      operationId: 'readWebhookDelivery',
      summary: 'Read one of them',
      errors: ['invalid_query', 'not_found'],
      answers: [row, { status: 304, description: 'Unchanged since the ETag in If-None-Match' }],
      handle: readDelivery,
    },
    {
      ...common,
      ...guard('update'),
      method: 'POST',
      path: `${base}/:deliveryId/redeliver`,
      operationId: 'redeliverWebhookDelivery',
      summary: 'Send it again: the same bytes under the same id, with all attempts anew',
      errors: ['invalid_query', 'not_found', 'conflict', 'version_mismatch'],
      answers: [deliveryOf(registry, 'It will be sent')],
      handle: (call) => redeliver(call, poke),
    },
  ]
}
