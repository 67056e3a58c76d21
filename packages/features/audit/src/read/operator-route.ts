import {
  jsonAnswer,
  listAnswerSchema,
  logParameters,
  readLogPage,
  type PersonalCall,
  type PersonalRoute,
} from '@plinth/core'
import { PLATFORM } from '../entry/chained-entry.ts'
import type { Sealer } from '../seal/sealer.ts'
import { writeEntry } from '../write-entry.ts'
import { entryFilter, newestEntries } from './filter.ts'
import { shownEntries, shownSchema } from './shown-entry.ts'
import { toldFilter } from './told-filter.ts'

/** `GET /admin/audit-logs`: what belongs to no tenant, for the operator. No tenant's log is in his reach by it. */
export function operatorRoute(sealer: () => Sealer): PersonalRoute {
  return {
    public: false,
    personal: 'superadmin',
    inTenant: false,
    tag: 'auditLog',
    origin: 'platform',
    method: 'GET',
    path: '/api/v1/admin/audit-logs',
    operationId: 'listPlatformAuditLogs',
    summary: 'What happened in no tenant, the newest first',
    query: [...entryFilter.parameters, ...logParameters],
    errors: ['invalid_query', 'invalid_cursor', 'page_too_large'],
    answers: [{ status: 200, description: 'A page', schema: listAnswerSchema(shownSchema) }],
    handle: (call) => list(call, sealer()),
  }
}

async function list(call: PersonalCall, sealer: Sealer): ReturnType<PersonalRoute['handle']> {
  const { platform, principal, requestId, client } = call
  const { secrets, clock } = platform
  const page = readLogPage({
    search: call.search,
    filter: entryFilter,
    secrets,
    tenantId: PLATFORM,
    purpose: 'audit-cursor',
  })
  await sealer.seal(PLATFORM)
  return platform.database.system(async (system) => {
    const rows = await system.run(newestEntries(PLATFORM, page.filter, page))
    const data = await shownEntries(system, secrets, PLATFORM, page.shown(rows))
    await writeEntry(system, {
      tenantId: null,
      actor: principal,
      action: 'auditLog.listed',
      requestId,
      client,
      time: clock.now(),
      detail: { entries: data.length, filter: toldFilter(platform.registry, page.filter) },
    })
    return jsonAnswer(200, page.print(data, rows.length, data.at(-1)?.seq))
  })
}
