import {
  jsonAnswer,
  listAnswerSchema,
  logParameters,
  problem,
  readLogPage,
  refuseQuery,
  type PersonalCall,
  type PersonalRoute,
  type Scope,
  type StatementRunner,
  statement,
} from '@plinth/core'
import { z } from 'zod'
import { seqOf } from '../entry/chained-entry.ts'
import { entryColumns } from '../verify/read-chain.ts'
import type { Sealer } from '../seal/sealer.ts'
import { writeEntry } from '../write-entry.ts'
import { entryFilter, newestEntries } from './filter.ts'
import { shownEntries, shownSchema } from './shown-entry.ts'
import { toldFilter } from './told-filter.ts'

/** What all routes about the book have in common. */
export const auditRoute = {
  public: false,
  personal: 'anyone',
  inTenant: true,
  needs: 'auditLog:read',
  tag: 'auditLog',
  origin: 'platform',
} as const satisfies Partial<PersonalRoute>

/** `GET /audit-logs` and `GET /audit-logs/:id`. To read the book is an entry in it. */
export function readRoutes(sealer: () => Sealer): readonly PersonalRoute[] {
  return [
    {
      ...auditRoute,
      method: 'GET',
      path: '/api/v1/audit-logs',
      operationId: 'listAuditLogs',
      summary: 'What happened in the tenant, the newest first',
      query: [...entryFilter.parameters, ...logParameters],
      errors: ['invalid_query', 'invalid_cursor', 'page_too_large'],
      answers: [{ status: 200, description: 'A page', schema: listAnswerSchema(shownSchema) }],
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
  const { secrets } = platform
  const page = readLogPage({ search: call.search, filter: entryFilter, secrets, tenantId, purpose: 'audit-cursor' })
  await sealer.seal(tenantId)
  return platform.database.transaction(scope, async (transaction) => {
    const rows = await transaction.run(newestEntries(tenantId, page.filter, page))
    const data = await shownEntries(transaction, secrets, tenantId, page.shown(rows))
    await tell(transaction, call, 'auditLog.listed', {
      entries: data.length,
      filter: toldFilter(platform.registry, page.filter),
    })
    return jsonAnswer(200, page.print(data, rows.length, data.at(-1)?.seq))
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
      select ${entryColumns}
      from plinth.audit_logs where tenant_id = ${tenantId}::uuid and seq = ${seqOf(id)}::bigint and id = ${id}::uuid`)
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
