import { jsonAnswer, problem, refuseQuery, type PersonalRoute } from '@plinth/core'
import { z } from 'zod'
import { oneEvent } from './event-filter.ts'
import { eventRoute } from './list-route.ts'
import { shownEvents, shownSchema } from './shown-event.ts'

/** `GET /events/:id`: one event of the tenant, as long as it is kept. */
export const readRoute: PersonalRoute = {
  ...eventRoute,
  method: 'GET',
  path: '/api/v1/events/:id',
  operationId: 'readEvent',
  summary: 'One event',
  errors: ['invalid_query', 'not_found'],
  answers: [{ status: 200, description: 'The event', schema: shownSchema }],
  async handle(call) {
    const { platform, scope, parameters } = call
    if (!scope) throw problem('tenant_required')
    refuseQuery(call)
    const { id = '' } = parameters
    if (!z.uuid().safeParse(id).success) throw problem('not_found')
    const rows = await platform.database.transaction(scope, (transaction) =>
      transaction.run(oneEvent(scope.tenantId, id)),
    )
    const [event] = shownEvents(platform, rows, scope.requestId)
    if (!event) throw problem('not_found')
    return jsonAnswer(200, JSON.stringify(event))
  },
}
