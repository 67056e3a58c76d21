import {
  emptyAnswer,
  isPerson,
  jsonAnswer,
  problem,
  refuseAbove,
  refuseQuery,
  routePartsOf,
  validate,
  type Call,
  type GuardedRoute,
  type Registry,
  type TextAnswer,
} from '@plinth/core'
import { z } from 'zod'
import type { Auth } from '../auth-parts.ts'
import { newServiceKeySchema, readServiceKeyDraft } from '../api-keys/key-input.ts'
import { makeKey, renewKey } from '../api-keys/make-key.ts'
import { apiKeyExample, apiKeySchema, keysOfService } from '../api-keys/own-keys.ts'
import { revokeKeys } from '../api-keys/revoke-keys.ts'
import { lockedService } from '../service-accounts/locked-service.ts'
import { serviceAccounts } from '../tables.ts'
import { madeKeyExample, madeKeySchema, rotation } from './make-api-key.ts'
import { noContent, noStore } from './route-facts.ts'

const shown = { ...madeKeyExample, role: null }

/** `/service-accounts/:id/keys`: keys of a service. They survive whoever made them, and end with the service. */
export function serviceAccountKeys(auth: () => Auth, registry: Registry): readonly GuardedRoute[] {
  const { base, common, guard } = routePartsOf(registry, registry.byTable.get(serviceAccounts)!)
  const path = `${base}/:id/keys`
  const taking = ['validation_failed', 'unsupported_media_type', 'body_too_large', 'invalid_query', 'not_found']
  return [
    {
      ...common,
      ...guard('read'),
      method: 'GET',
      path,
      operationId: 'listServiceAccountKeys',
      summary: 'Keys of a service',
      errors: ['invalid_query', 'not_found'],
      answers: [
        {
          status: 200,
          description: 'Those that were not revoked, the newest first',
          schema: z.object({ data: z.array(apiKeySchema) }),
          example: { data: [{ ...apiKeyExample, role: null }] },
        },
      ],
      handle: list,
    },
    {
      ...common,
      ...guard('update'),
      method: 'POST',
      path,
      operationId: 'makeServiceAccountKey',
      summary: 'Make a key for a service',
      body: { schema: newServiceKeySchema, example: { name: 'Pipeline' } },
      errors: [...taking, 'conflict', 'answer_not_repeatable'],
      answers: [{ status: 201, description: 'The key, shown this once', schema: madeKeySchema, example: shown }],
      handle: make,
    },
    {
      ...common,
      ...guard('update'),
      method: 'POST',
      path: `${path}/:keyId/rotate`,
      operationId: 'rotateServiceAccountKey',
      summary: 'Another key in the place of this one, which works until the overlap is over',
      body: { schema: rotation, optional: true, example: { overlapSeconds: 3600 } },
      errors: [...taking, 'answer_not_repeatable'],
      answers: [{ status: 200, description: 'The new key, shown this once', schema: madeKeySchema, example: shown }],
      handle: (call) => rotate(auth(), call),
    },
    {
      ...common,
      ...guard('update'),
      method: 'DELETE',
      path: `${path}/:keyId`,
      operationId: 'revokeServiceAccountKey',
      summary: 'Revoke a key of a service, at once',
      errors: ['invalid_query', 'not_found'],
      answers: [noContent],
      handle: (call) => revoke(auth(), call),
    },
  ]
}

async function list(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const resource = call.platform.registry.byTable.get(serviceAccounts)!
  const service = await call.session.read({ resource, id: call.parameters['id']!, visible: call.visible })
  if (!service) throw problem('not_found')
  return call.transact(async (transaction) => {
    const data = await keysOfService(transaction, String(service['id']))
    return jsonAnswer(200, JSON.stringify({ data }), noStore)
  })
}

async function make(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  refusePrograms(call)
  const { scope } = call
  const draft = readServiceKeyDraft(call.body, scope.now)
  return call.transactAsSystem(async (system, transaction) => {
    const service = await lockedService(call, transaction)
    await refuseAbove(call.platform, system, call.request.principal, {
      tenantId: call.scope.tenantId,
      serviceAccountId: service.id,
    })
    const holder = { serviceAccountId: service.id }
    const { id, key, keyPrefix } = await makeKey(system, scope, holder, { ...draft, role: null })
    const data = { id, name: draft.name, serviceAccountId: service.id }
    await transaction.emit({ type: 'apiKey.created', key: id, data })
    const body = JSON.stringify({ id, key, keyPrefix, name: draft.name, role: null })
    return { ...jsonAnswer(201, body, noStore), once: id }
  })
}

async function rotate(auth: Auth, call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  refusePrograms(call)
  const { overlapSeconds } = validate(rotation, call.body)
  const answer = await call.transactAsSystem(async (system, transaction) => {
    const service = await lockedService(call, transaction)
    await refuseAbove(call.platform, system, call.request.principal, {
      tenantId: call.scope.tenantId,
      serviceAccountId: service.id,
    })
    const keys = await keysOfService(transaction, service.id)
    const known = keys.find(({ id }) => id === call.parameters['keyId'])
    if (!known) throw problem('not_found')
    const { key, keyPrefix } = await renewKey(system, call.scope, known.id, overlapSeconds)
    const { id, name } = known
    await transaction.emit({ type: 'apiKey.rotated', key: id, data: { id, name, serviceAccountId: service.id } })
    return { ...jsonAnswer(200, JSON.stringify({ id, key, keyPrefix, name, role: null }), noStore), once: id }
  })
  auth.apiKeys.forget()
  return answer
}

async function revoke(auth: Auth, call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { tenantId, now } = call.scope
  const answer = await call.transactAsSystem(async (system, transaction) => {
    const { id: serviceAccountId } = await lockedService(call, transaction)
    const keys = await keysOfService(transaction, serviceAccountId)
    const known = keys.find(({ id }) => id === call.parameters['keyId'])
    if (!known) throw problem('not_found')
    await revokeKeys(system, now, { tenantId, id: known.id })
    await transaction.emit({ type: 'apiKey.deleted', key: known.id, data: { id: known.id } })
    return emptyAnswer(204)
  })
  auth.apiKeys.forget()
  return answer
}

/** A key that could make keys would outlive its own end. @throws permission_denied */
function refusePrograms({ request: { principal } }: Call): void {
  if (isPerson(principal)) return
  throw problem('permission_denied', { detail: 'This is for a person who has signed in.' })
}
