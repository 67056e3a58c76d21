import {
  jsonAnswer,
  problem,
  readEvent,
  readQuery,
  refuseQuery,
  type Actor,
  type EventCatalog,
  type EventRecord,
  type PersonalRoute,
  type RawRow,
  type Secrets,
} from '@plinth/core'
import { z } from 'zod'
import {
  filterNames,
  filterParameters,
  filterText,
  newestEvents,
  readFilter,
  type EventFilter,
} from './event-filter.ts'

const USUAL = 20
const MOST = 100
const PURPOSE = 'event-cursor'

const shown = z
  .object({
    id: z.uuid(),
    type: z.string(),
    version: z.int().describe('Of the data'),
    key: z.string().describe('Events of one key are handed on in order'),
    data: z.unknown().meta({ description: 'As the catalogue says of this type' }),
    actor: z.object({ kind: z.string(), id: z.string() }),
    requestId: z.string(),
    time: z.iso.datetime(),
    state: z.enum(['waiting', 'delivered', 'parked']),
    attempts: z.int(),
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
  query: [
    ...filterParameters,
    { name: 'pageSize', description: `Events a page (${USUAL} unless told)`, schema: z.int().min(1).max(MOST) },
    { name: 'cursor', description: 'What the page before gave', schema: z.string() },
  ],
  errors: ['invalid_query', 'invalid_cursor'],
  answers: [
    {
      status: 200,
      description: 'A page',
      schema: z.object({
        data: z.array(shown),
        page: z.object({
          page: z.null(),
          pageSize: z.int(),
          hasMore: z.boolean(),
          nextCursor: z.string().nullable(),
        }),
      }),
    },
  ],
  async handle(call) {
    const { platform, scope } = call
    if (!scope) throw problem('tenant_required')
    refuseQuery(call, [...filterNames, 'pageSize', 'cursor'])
    const given = readQuery(call.search)
    const filter = readFilter(given)
    const pageSize = pageSizeOf(given.get('pageSize'))
    const cursor = given.get('cursor')
    const { tenantId } = scope
    const before = cursor === undefined ? undefined : readCursor(platform.secrets, tenantId, filter, cursor)
    const rows = await platform.database.transaction(scope, (transaction) =>
      transaction.run(newestEvents(tenantId, filter, before, pageSize + 1)),
    )
    const page = rows.slice(0, pageSize)
    const hasMore = rows.length > pageSize
    const last = page.at(-1)
    const nextCursor = hasMore && last ? makeCursor(platform.secrets, tenantId, filter, String(last['position'])) : null
    const data = page.map((row) => show(platform.registry.events, row))
    return jsonAnswer(200, JSON.stringify({ data, page: { page: null, pageSize, hasMore, nextCursor } }))
  },
}

function show(catalog: EventCatalog, row: RawRow): z.output<typeof shown> {
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
  const { id, type, version, key, data, actor, requestId, time } = current(catalog, stored)
  const state = text('state') as 'waiting' | 'delivered' | 'parked'
  const attempts = Number(row['attempts'])
  return { id, type, version, key, data, actor, requestId, time: time.toISOString(), state, attempts }
}

/** As handlers get it; of a newer release, as it is. */
function current(catalog: EventCatalog, stored: EventRecord): EventRecord {
  const known = catalog.get(stored.type)
  return known && stored.version > known.version ? stored : readEvent(catalog, stored)
}

function pageSizeOf(text: string | undefined): number {
  if (text === undefined) return USUAL
  const size = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (size >= 1 && size <= MOST) return size
  const message = `Expected a whole number from 1 to ${MOST}`
  throw problem('invalid_query', { errors: [{ path: '?pageSize', code: 'out_of_range', message }] })
}

const boundTo = (tenantId: string, filter: EventFilter, seq: string): string =>
  `${tenantId}\n${filterText(filter)}\n${seq}`

function makeCursor(secrets: Secrets, tenantId: string, filter: EventFilter, seq: string): string {
  return `${seq}~${secrets.sign(PURPOSE, boundTo(tenantId, filter, seq))}`
}

/** @throws invalid_cursor for one of another tenant or filter */
function readCursor(secrets: Secrets, tenantId: string, filter: EventFilter, cursor: string): string {
  const [seq = '', signature = '', ...rest] = cursor.split('~')
  if (rest.length > 0 || !secrets.verify(PURPOSE, boundTo(tenantId, filter, seq), signature))
    throw problem('invalid_cursor')
  return seq
}
