import { csvText, validate, type Answer, type PersonalCall, type PersonalRoute } from '@plinth/core'
import { z } from 'zod'
import type { Sealer } from '../seal/sealer.ts'
import { entryFilter, filterSchema, oldestEntries, type EntryFilter } from './filter.ts'
import { auditRoute, inTenant, tell } from './read-routes.ts'
import { shownEntries, shownSchema, type ShownEntry } from './shown-entry.ts'

const BATCH = 500

const exportInput = filterSchema.extend({ format: z.enum(['jsonl', 'csv']).default('jsonl') })

/** `POST /audit-logs/export`: all entries of a filter, the oldest first, as they are read. */
export function exportRoute(sealer: () => Sealer): PersonalRoute {
  return {
    ...auditRoute,
    method: 'POST',
    path: '/api/v1/audit-logs/export',
    operationId: 'exportAuditLogs',
    summary: 'All entries of a filter as JSON lines or CSV, the oldest first',
    body: { schema: exportInput, optional: true, example: { format: 'csv', action: 'site.updated' } },
    errors: ['validation_failed', 'unsupported_media_type'],
    answers: [
      { status: 200, description: 'A line for each entry', contentType: 'application/x-ndjson', schema: shownSchema },
      { status: 200, description: 'A line for each entry', contentType: 'text/csv', schema: z.string() },
    ],
    handle: (call) => exported(call, sealer()),
  }
}

async function exported(call: PersonalCall, sealer: Sealer): Promise<Answer> {
  const { platform, scope, tenantId } = inTenant(call)
  const { format, ...filter } = validate(exportInput, call.body)
  await sealer.seal(tenantId)
  // Before the first line: an export that cannot be recorded does not begin.
  await platform.database.transaction(scope, (transaction) =>
    tell(transaction, call, 'auditLog.exported', { format, filter: entryFilter.text(filter) || null }),
  )
  const lines = linesOf(call, format, filter)
  return {
    status: 200,
    headers: {
      'content-type': format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson',
      'content-disposition': `attachment; filename="audit-logs.${format}"`,
      'cache-control': 'no-store',
    },
    // One batch is read when the reader has taken the one before; who hangs up ends it.
    body: ReadableStream.from(lines),
  }
}

async function* linesOf(
  call: PersonalCall,
  format: 'jsonl' | 'csv',
  filter: EntryFilter,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { platform, scope, tenantId } = inTenant(call)
  const encoder = new TextEncoder()
  const until = performance.now() + platform.limits.export
  if (format === 'csv') yield encoder.encode(`${columns.join(',')}\r\n`)
  let after: string | undefined
  for (;;) {
    if (performance.now() > until) throw new Error('the export took too long')
    const entries = await platform.database.transaction(scope, async (transaction) =>
      shownEntries(
        transaction,
        platform.secrets,
        tenantId,
        await transaction.run(oldestEntries(tenantId, filter, { after, limit: BATCH })),
      ),
    )
    const last = entries.at(-1)
    if (!last) return
    yield encoder.encode(entries.map(format === 'csv' ? csvLine : jsonLine).join(''))
    after = String(last.seq)
  }
}

const columns = [
  'seq',
  'id',
  'occurredAt',
  'actorKind',
  'actorId',
  'onBehalfOf',
  'action',
  'targetType',
  'targetId',
  'outcome',
  'requestId',
  'repeated',
  'address',
  'userAgent',
  'changes',
  'personal',
  'detail',
  'hash',
] as const satisfies readonly (keyof ShownEntry)[]

export function jsonLine(entry: ShownEntry): string {
  return `${JSON.stringify(entry)}\n`
}

function csvLine(entry: ShownEntry): string {
  const cells = columns.map((name) => {
    const value = entry[name]
    if (value === null || value === undefined) return ''
    if (typeof value === 'number') return String(value)
    return csvText(typeof value === 'string' ? value : JSON.stringify(value))
  })
  return `${cells.join(',')}\r\n`
}
