import {
  csvText,
  exportStream,
  PlinthError,
  problem,
  takePlace,
  validate,
  type Answer,
  type Batch,
  type PersonalCall,
  type PersonalRoute,
} from '@plinth/core'
import { z } from 'zod'
import { auditEvents } from '../log-events.ts'
import type { Sealer } from '../seal/sealer.ts'
import { filterSchema, oldestEntries, type EntryFilter } from './filter.ts'
import { auditRoute, inTenant, tell } from './read-routes.ts'
import { shownEntries, shownSchema, type ShownEntry } from './shown-entry.ts'
import { toldFilter } from './told-filter.ts'

const BATCH = 500
/** How long a right that was asked for is believed, in milliseconds. */
const ASK_AGAIN_AFTER = 1_000

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
    errors: ['validation_failed', 'unsupported_media_type', 'too_many_exports'],
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
  const leave = takePlace(platform, tenantId)
  const next = batchesOf(call, format, filter)
  let first: Batch
  try {
    await sealer.seal(tenantId)
    // Before the first line: an export that cannot be recorded does not begin.
    await platform.database.transaction(scope, (transaction) =>
      tell(transaction, call, 'auditLog.exported', { format, filter: toldFilter(platform.registry, filter) }),
    )
    first = await next()
  } catch (error) {
    leave()
    throw error
  }
  return {
    status: 200,
    headers: {
      'content-type': format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson',
      'content-disposition': `attachment; filename="audit-logs.${format}"`,
      'cache-control': 'no-store',
    },
    body: exportStream({
      first,
      next,
      idle: platform.limits.exportIdle,
      // A CSV has no place for words about itself.
      failure:
        format === 'jsonl' ? (error) => `${JSON.stringify({ error: wordsOf(error, call.requestId) })}\n` : undefined,
      onEnd({ rows, error, aborted }) {
        leave()
        platform.log[error === undefined || aborted ? 'info' : 'error'](auditEvents.exportEnded, {
          requestId: call.requestId,
          tenant: tenantId,
          principal: `${scope.actor.kind}:${scope.actor.id}`,
          entries: rows,
          complete: error === undefined && !aborted,
          ...(error === undefined ? {} : { error }),
        })
      },
    }),
  }
}

/** A batch with each call. */
function batchesOf(call: PersonalCall, format: 'jsonl' | 'csv', filter: EntryFilter): () => Promise<Batch> {
  const { platform, scope, tenantId } = inTenant(call)
  const startedAt = performance.now()
  let askedAt = startedAt
  let after: string | undefined
  return async () => {
    const now = performance.now()
    if (now - startedAt > platform.limits.export)
      throw problem('unavailable', { detail: 'The export took too long. Filter for fewer entries.' })
    // Who loses his right, or his credential, in the middle gets no more.
    if (now - askedAt > ASK_AGAIN_AFTER) {
      await call.renew()
      askedAt = performance.now()
    }
    const entries = await platform.database.transaction(scope, async (transaction) =>
      shownEntries(
        transaction,
        platform.secrets,
        tenantId,
        await transaction.run(oldestEntries(tenantId, filter, { after, limit: BATCH })),
      ),
    )
    const header = after === undefined && format === 'csv' ? `${columns.join(',')}\r\n` : ''
    const last = entries.at(-1)
    if (last) after = String(last.seq)
    const text = header + entries.map(format === 'csv' ? csvLine : jsonLine).join('')
    return { text, rows: entries.length, last: last === undefined }
  }
}

/** Without a cause that nobody outside should know. */
function wordsOf(error: unknown, requestId: string): object {
  const { title, code } = PlinthError.is(error) ? error : problem('internal_error')
  return { title, code, requestId }
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
