import {
  jsonAnswer,
  listAnswerSchema,
  logParameters,
  problem,
  readEvent,
  readLogPage,
  toldOf,
  type Actor,
  type EventCatalog,
  type EventRecord,
  type PersonalRoute,
  type RawRow,
} from '@plinth/core'
import { z } from 'zod'
import { eventFilter, newestEvents } from './event-filter.ts'
import { eventLogEvents } from './log-events.ts'

const shown = z
  .object({
    id: z.uuid(),
    type: z.string(),
    version: z.int().describe('Of the data'),
    key: z.string().describe('Events of one key are handed on in order'),
    data: z.unknown().meta({ description: 'As the catalogue says of this type' }),
    actor: z.object({ kind: z.string(), id: z.string() }),
    requestId: z.string(),
    traceparent: z.string().nullable().describe('The trace of that request (W3C Trace Context), where it had one'),
    time: z.iso.datetime(),
    state: z.enum(['waiting', 'delivered', 'parked']),
    attempts: z.int(),
    asStored: z
      .boolean()
      .describe(
        'Whether the data is of another version than the catalogue says: of a newer release, or one that could not be read',
      ),
  })
  .meta({ id: 'Event' })

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
  answers: [{ status: 200, description: 'A page', schema: listAnswerSchema(shown) }],
  async handle({ platform, scope, search }) {
    if (!scope) throw problem('tenant_required')
    const { tenantId } = scope
    const { secrets, registry } = platform
    const page = readLogPage({ search, filter: eventFilter, secrets, tenantId, purpose: 'event-cursor' })
    const rows = await platform.database.transaction(scope, (transaction) =>
      transaction.run(newestEvents(tenantId, page)),
    )
    const told = page.shown(rows)
    const unread: unknown[] = []
    const data = told.map((row) => show(registry.events, row, unread))
    // One line for a page: it would be one for each of its events, with every look.
    if (unread.length > 0)
      platform.log.error(eventLogEvents.notRead, {
        requestId: scope.requestId,
        events: unread.length,
        error: unread[0],
      })
    return jsonAnswer(200, page.print(data, rows.length, told.at(-1)?.['position'] as string | undefined))
  },
}

function show(catalog: EventCatalog, row: RawRow, unread: unknown[]): z.output<typeof shown> {
  const text = (name: string): string => String(row[name])
  const stored: EventRecord = {
    id: text('id'),
    tenantId: '',
    type: text('type'),
    version: Number(row['version']),
    key: text('key'),
    data: JSON.parse(text('data')) as unknown,
    actor: { kind: text('actor_kind') as Actor['kind'], id: text('actor_id') },
    requestId: text('request_id'),
    time: new Date(text('occurred_at')),
  }
  const now = current(catalog, stored, unread)
  const { id, type, version, key, data, actor, requestId, time } = now ?? stored
  const traceparent = row['traceparent'] === null ? null : text('traceparent')
  const state = text('state') as 'waiting' | 'delivered' | 'parked'
  const attempts = Number(row['attempts'])
  const known = catalog.get(type)
  return {
    id,
    type,
    version,
    key,
    // Under names of today's alone: which of another version's are to be told, nobody says.
    data: now || !known ? data : toldOf(known, data),
    actor,
    requestId,
    traceparent,
    time: time.toISOString(),
    state,
    attempts,
    asStored: now === undefined,
  }
}

/** As handlers get it; undefined for what is of a newer release, or cannot be brought to this one. */
function current(catalog: EventCatalog, stored: EventRecord, unread: unknown[]): EventRecord | undefined {
  const known = catalog.get(stored.type)
  if (known && stored.version > known.version) return undefined
  try {
    return readEvent(catalog, stored)
  } catch (error) {
    unread.push(error)
    return undefined
  }
}
