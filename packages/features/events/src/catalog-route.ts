import { jsonAnswer, refuseQuery, type EventCatalog, type PersonalRoute } from '@plinth/core'
import { z } from 'zod'
import { eventRoute } from './list-route.ts'

const kind = z
  .object({
    type: z.string(),
    version: z.int(),
    description: z.string().nullable(),
    schema: z.record(z.string(), z.unknown()).describe('JSON Schema (2020-12) of the data'),
  })
  .meta({ id: 'EventKind' })

const made = new WeakMap<EventCatalog, string>()

/** `GET /events/catalog`: what may happen, and what is told of it. */
export const catalogRoute: PersonalRoute = {
  ...eventRoute,
  method: 'GET',
  path: '/api/v1/events/catalog',
  operationId: 'listEventKinds',
  summary: 'Every type of events, with the schema of its data',
  errors: ['invalid_query'],
  answers: [{ status: 200, description: 'All of them', schema: z.object({ data: z.array(kind) }) }],
  handle(call) {
    refuseQuery(call)
    const catalog = call.platform.registry.events
    const text = made.get(catalog) ?? print(catalog)
    made.set(catalog, text)
    return Promise.resolve(jsonAnswer(200, text))
  },
}

function print(catalog: EventCatalog): string {
  const data = [...catalog.values()].map(({ type, version, description = null, schema }) => ({
    type,
    version,
    description,
    schema: z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }),
  }))
  return JSON.stringify({ data })
}
