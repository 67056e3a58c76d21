import { emptyAnswer, jsonAnswer, problem, refuseQuery, type PersonalRoute } from '@plinth/core'
import { z } from 'zod'
import type { Auth } from '../auth-parts.ts'
import { apiKeyExample, apiKeySchema, ownKeys } from '../api-keys/own-keys.ts'
import { revokeKeys } from '../api-keys/revoke-keys.ts'
import { noContent, noStore, personalAuth } from './route-facts.ts'

/**
 * `GET /auth/api-keys[/:id]`, `DELETE /auth/api-keys/:id`: a person's own keys in this tenant; a key sees and ends itself alone.
 */
export function ownApiKeys(auth: () => Auth): readonly PersonalRoute[] {
  const path = '/api/v1/auth/api-keys'
  const common = { ...personalAuth, personal: 'anyone', inTenant: true } as const
  return [
    {
      ...common,
      method: 'GET',
      path,
      operationId: 'listOwnApiKeys',
      summary: 'My API keys in this tenant',
      errors: ['invalid_query'],
      answers: [
        {
          status: 200,
          description: 'Those that were not revoked, the newest first',
          schema: z.object({ data: z.array(apiKeySchema) }),
          example: { data: [apiKeyExample] },
        },
      ],
      handle(call) {
        refuseQuery(call)
        return call.transact(async (transaction) => {
          const data = await ownKeys(transaction, call.principal)
          return jsonAnswer(200, JSON.stringify({ data }), noStore)
        })
      },
    },
    {
      ...common,
      method: 'GET',
      path: `${path}/:id`,
      operationId: 'readOwnApiKey',
      summary: 'One of my API keys',
      errors: ['invalid_query', 'not_found'],
      answers: [{ status: 200, description: 'The key, without itself', schema: apiKeySchema, example: apiKeyExample }],
      handle(call) {
        refuseQuery(call)
        return call.transact(async (transaction) => {
          const found = (await ownKeys(transaction, call.principal)).find(({ id }) => id === call.parameters['id'])
          if (!found) throw problem('not_found')
          return jsonAnswer(200, JSON.stringify(found), noStore)
        })
      },
    },
    {
      ...common,
      method: 'DELETE',
      path: `${path}/:id`,
      operationId: 'revokeOwnApiKey',
      summary: 'Revoke one of my API keys, at once',
      errors: ['invalid_query', 'not_found'],
      answers: [noContent],
      async handle(call) {
        refuseQuery(call)
        const answer = await call.transactAsSystem(async (system, transaction) => {
          const found = (await ownKeys(transaction, call.principal)).find(({ id }) => id === call.parameters['id'])
          const { tenantId, now } = call.scope!
          const [id] = found ? await revokeKeys(system, now, { tenantId, id: found.id }) : []
          if (id === undefined) throw problem('not_found')
          await transaction.emit({ type: 'apiKey.deleted', key: id, data: { id } })
          return emptyAnswer(204)
        })
        auth().apiKeys.forget()
        return answer
      },
    },
  ]
}
