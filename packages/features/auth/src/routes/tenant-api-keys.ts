import { emptyAnswer, lockedRow, refuseQuery, routePartsOf, type GuardedRoute, type Registry } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { revokeKeys } from '../api-keys/revoke-keys.ts'
import { apiKeys } from '../tables.ts'
import { noContent } from './route-facts.ts'

/** `DELETE /api-keys/:id`: revokes a key of a member. List and read are the resource's own business. */
export function tenantApiKeys(auth: () => Auth, registry: Registry): readonly GuardedRoute[] {
  const resource = registry.byTable.get(apiKeys)!
  const { base, common, guard } = routePartsOf(registry, resource)
  return [
    {
      ...common,
      ...guard('delete'),
      method: 'DELETE',
      path: `${base}/:id`,
      operationId: 'revokeApiKey',
      summary: 'Revoke a key of a member, at once',
      errors: ['invalid_query', 'not_found', 'permission_denied', 'version_mismatch'],
      answers: [noContent],
      async handle(call) {
        refuseQuery(call)
        const answer = await call.transactAsSystem(async (system, transaction) => {
          const id = String((await lockedRow(call, transaction, resource))['id'])
          const { tenantId, now } = call.scope
          const [revoked] = await revokeKeys(system, now, { tenantId, id })
          if (revoked !== undefined) await transaction.emit({ type: 'apiKey.deleted', key: id, data: { id } })
          return emptyAnswer(204)
        })
        auth().apiKeys.forget()
        return answer
      },
    },
  ]
}
