import { jsonAnswer, listAnswerSchema, logParameters, problem, readLogPage, type PersonalRoute } from '@plinth/core'
import { eventFilter, newestEvents } from './event-filter.ts'
import { refuseUnknownType } from './refuse-unknown-type.ts'
import { shownEvents, shownSchema } from './shown-event.ts'

/** What all routes about events have in common. */
export const eventRoute = {
  public: false,
  personal: 'anyone',
  inTenant: true,
  needs: 'event:read',
  tag: 'event',
  origin: 'platform',
} as const satisfies Partial<PersonalRoute>

/** `GET /events`: what happened in the tenant, as long as it is kept. */
export const listRoute: PersonalRoute = {
  ...eventRoute,
  method: 'GET',
  path: '/api/v1/events',
  operationId: 'listEvents',
  summary: 'What happened in the tenant, the newest first',
  query: [...eventFilter.parameters, ...logParameters],
  errors: ['invalid_query', 'invalid_cursor', 'page_too_large'],
  answers: [{ status: 200, description: 'A page', schema: listAnswerSchema(shownSchema) }],
  async handle({ platform, scope, search }) {
    if (!scope) throw problem('tenant_required')
    const { tenantId } = scope
    const { secrets } = platform
    const page = readLogPage({ search, filter: eventFilter, secrets, tenantId, purpose: 'event-cursor' })
    const rows = await platform.database.transaction(scope, async (transaction) => {
      const found = await transaction.run(newestEvents(tenantId, page))
      // Asked where nothing was found alone: a list of what there is costs one statement.
      if (found.length === 0) await refuseUnknownType(transaction, tenantId, platform.registry.events, page.filter.type)
      return found
    })
    const told = page.shown(rows)
    const data = shownEvents(platform, told, scope.requestId)
    return jsonAnswer(200, page.print(data, rows.length, told.at(-1)?.['position'] as string | undefined))
  },
}
