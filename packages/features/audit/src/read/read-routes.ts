import {
  jsonAnswer,
  problem,
  readQuery,
  refuseQuery,
  type PersonalCall,
  type PersonalRoute,
  type Scope,
  type Secrets,
  type StatementRunner,
  statement,
} from '@plinth/core'
import { z } from 'zod'
import type { Sealer } from '../seal/sealer.ts'
import { writeEntry } from '../write-entry.ts'
import { filterNames, filterParameters, filterText, newestEntries, readFilter, type EntryFilter } from './filter.ts'
import { shownEntries, shownSchema } from './shown-entry.ts'

/** What all routes about the book have in common. */
export const auditRoute = {
  public: false,
  personal: 'anyone',
  inTenant: true,
  needs: 'auditLog:read',
  tag: 'auditLog',
  origin: 'platform',
} as const satisfies Partial<PersonalRoute>

const USUAL = 20
const MOST = 100

/** `GET /audit-logs` and `GET /audit-logs/:id`. To read the book is an entry in it. */
export function readRoutes(sealer: () => Sealer): readonly PersonalRoute[] {
  return [
    {
      ...auditRoute,
      method: 'GET',
      path: '/api/v1/audit-logs',
      operationId: 'listAuditLogs',
      summary: 'What happened in the tenant, the newest first',
      query: [
        ...filterParameters,
        { name: 'pageSize', description: `Entries a page (${USUAL} unless told)`, schema: z.int().min(1).max(MOST) },
        { name: 'cursor', description: 'What the page before gave', schema: z.string() },
      ],
      errors: ['invalid_query', 'invalid_cursor'],
      answers: [
        {
          status: 200,
          description: 'A page',
          schema: z.object({
            data: z.array(shownSchema),
            page: z.object({
              page: z.null(),
              pageSize: z.int(),
              hasMore: z.boolean(),
              nextCursor: z.string().nullable(),
            }),
          }),
        },
      ],
      handle: (call) => list(call, sealer()),
    },
    {
      ...auditRoute,
      method: 'GET',
      path: '/api/v1/audit-logs/:id',
      operationId: 'readAuditLog',
      summary: 'One entry',
      errors: ['invalid_query', 'not_found'],
      answers: [{ status: 200, description: 'The entry', schema: shownSchema }],
      handle: (call) => readOne(call, sealer()),
    },
  ]
}

async function list(call: PersonalCall, sealer: Sealer): ReturnType<PersonalRoute['handle']> {
  const { platform, tenantId, scope } = inTenant(call)
  refuseQuery(call, [...filterNames, 'pageSize', 'cursor'])
  const given = readQuery(call.search)
  const filter = readFilter(given)
  const pageSize = pageSizeOf(given.get('pageSize'))
  const cursor = given.get('cursor')
  const before = cursor === undefined ? undefined : readCursor(platform.secrets, tenantId, filter, cursor)
  await sealer.seal(tenantId)
  return platform.database.transaction(scope, async (transaction) => {
    const rows = await transaction.run(newestEntries(tenantId, filter, { before, limit: pageSize + 1 }))
    const page = rows.slice(0, pageSize)
    const data = await shownEntries(transaction, platform.secrets, tenantId, page)
    await tell(transaction, call, 'auditLog.listed', { entries: data.length, filter: filterText(filter) })
    const hasMore = rows.length > pageSize
    const last = data.at(-1)
    const nextCursor = hasMore && last ? makeCursor(platform.secrets, tenantId, filter, last.seq) : null
    return jsonAnswer(200, JSON.stringify({ data, page: { page: null, pageSize, hasMore, nextCursor } }))
  })
}

async function readOne(call: PersonalCall, sealer: Sealer): ReturnType<PersonalRoute['handle']> {
  const { platform, tenantId, scope } = inTenant(call)
  refuseQuery(call)
  const { id = '' } = call.parameters
  if (!z.uuid().safeParse(id).success) throw problem('not_found')
  await sealer.seal(tenantId)
  return platform.database.transaction(scope, async (transaction) => {
    const rows = await transaction.run(statement`
      select seq, id, to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as occurred_at, actor_kind, actor_id,
        on_behalf_of, action, target_type, target_id, outcome, request_id, repeated, changes, detail, origin, personal, hash, mac
      from plinth.audit_logs where tenant_id = ${tenantId}::uuid and id = ${id}::uuid`)
    const [entry] = await shownEntries(transaction, platform.secrets, tenantId, rows)
    if (!entry) throw problem('not_found')
    await tell(transaction, call, 'auditLog.read', { seq: entry.seq }, id)
    return jsonAnswer(200, JSON.stringify(entry))
  })
}

/** The call with the tenant that its route asks for. */
export function inTenant(call: PersonalCall): {
  readonly platform: PersonalCall['platform']
  readonly scope: Scope
  readonly tenantId: string
} {
  const { platform, scope } = call
  if (!scope) throw problem('tenant_required')
  return { platform, scope, tenantId: scope.tenantId }
}

/** That the book was read, in the transaction of the reading. */
export function tell(
  runner: StatementRunner,
  call: PersonalCall,
  action: string,
  detail: Readonly<Record<string, string | number | boolean | null>>,
  target?: string,
): Promise<void> {
  const { scope } = inTenant(call)
  const { tenantId, actor, onBehalfOf, requestId, client, now } = scope
  return writeEntry(runner, { tenantId, actor, onBehalfOf, action, target, requestId, client, time: now, detail })
}

function pageSizeOf(text: string | undefined): number {
  if (text === undefined) return USUAL
  const size = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (size >= 1 && size <= MOST) return size
  const message = `Expected a whole number from 1 to ${MOST}`
  throw problem('invalid_query', { errors: [{ path: '?pageSize', code: 'out_of_range', message }] })
}

const PURPOSE = 'audit-cursor'
const boundTo = (tenantId: string, filter: EntryFilter, seq: string): string =>
  `${tenantId}\n${filterText(filter)}\n${seq}`

function makeCursor(secrets: Secrets, tenantId: string, filter: EntryFilter, seq: number): string {
  return `${seq}~${secrets.sign(PURPOSE, boundTo(tenantId, filter, String(seq)))}`
}

/** @throws invalid_cursor for one of another tenant or filter */
function readCursor(secrets: Secrets, tenantId: string, filter: EntryFilter, cursor: string): string {
  const [seq = '', signature = '', ...rest] = cursor.split('~')
  if (rest.length > 0 || !secrets.verify(PURPOSE, boundTo(tenantId, filter, seq), signature))
    throw problem('invalid_cursor')
  return seq
}
