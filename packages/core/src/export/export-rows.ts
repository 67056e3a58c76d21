import { and } from '../condition/condition.ts'
import { PlinthError, problem } from '../errors/plinth-error.ts'
import { fieldView } from '../fields/field-view.ts'
import { sortValues } from '../list/cursor.ts'
import type { ListQuery } from '../list/list-query.ts'
import { logEvents } from '../logging/events.ts'
import { emptyAnswer, LIST_VARY, type Answer } from '../pipeline/answer.ts'
import type { Call } from '../pipeline/call.ts'
import type { StatementRunner, Stored } from '../ports/database.ts'
import { csvHeader, csvLine } from './csv.ts'
import { exportStream, type Batch } from './export-stream.ts'
import { mediaTypes, type ExportFormat } from './format.ts'
import { takePlace } from './export-places.ts'

/**
 * Rows of a batch, by the length of the rows of the one before: the number stands in the text of a statement, so there are few. Not
 * more, for nobody knows how long the next rows are, and a batch is held in memory.
 */
const steps = [250, 100, 10] as const
/** Characters that a batch should have at most. */
const USUAL_BATCH = 1_048_576
/** How long a right that was asked for is believed. */
const ASK_AGAIN_AFTER = 1_000

/**
 * All rows of a list, newest first, in batches that each begin where the one before ended: short statements, no transaction, so
 * that a slow reader holds nothing of the database. Rows that are made meanwhile are newer and not in it; what changes or goes
 * meanwhile shows as it is when its batch is read.
 */
export async function exportRows(call: Call, query: ListQuery, format: ExportFormat): Promise<Answer> {
  const { platform, request, scope } = call
  const { resource } = request.route
  const headers = {
    'content-type': mediaTypes[format],
    'content-disposition': `attachment; filename="${resource.path}.${format}"`,
    vary: LIST_VARY,
  }
  if (request.method === 'HEAD') return emptyAnswer(200, headers)
  const leave = takePlace(platform, scope.tenantId)
  const next = batches(call, query, format)
  let first: Batch
  try {
    first = await next()
    // An export that cannot be recorded does not begin.
    if (platform.audit)
      await platform.database.transaction(scope, (transaction) => recordExport(call, format, transaction))
  } catch (error) {
    leave()
    throw error
  }
  const body = exportStream({
    first,
    next,
    idle: platform.limits.exportIdle,
    // A CSV has no place for words about itself.
    failure:
      format === 'ndjson' ? (error) => `${JSON.stringify({ error: wordsOf(error, scope.requestId) })}\n` : undefined,
    onEnd({ rows, error, aborted }) {
      leave()
      platform.log[error === undefined || aborted ? 'info' : 'error'](logEvents.exportEnded, {
        requestId: scope.requestId,
        resource: resource.name,
        tenant: request.tenant.slug,
        principal: `${request.principal.kind}:${request.principal.id}`,
        rows,
        complete: error === undefined && !aborted,
        ...(error === undefined ? {} : { error }),
      })
    },
  })
  return { ...emptyAnswer(200, headers), body }
}

async function recordExport(
  { platform, request, scope }: Call,
  format: ExportFormat,
  runner: StatementRunner,
): Promise<void> {
  const { tenantId, actor, onBehalfOf, requestId, client, now } = scope
  await platform.audit?.record(runner, {
    tenantId,
    actor,
    onBehalfOf,
    action: `${request.route.resource.name}.exported`,
    requestId,
    client,
    time: now,
    detail: { format },
  })
}

/** The batches of an export, one with each call. */
function batches(call: Call, query: ListQuery, format: ExportFormat): () => Promise<Batch> {
  const { resource } = call.request.route
  const { printer, sort } = query
  const startedAt = performance.now()
  let { visible, session }: Pick<Call, 'visible' | 'session'> = call
  const view = fieldView(call.platform.registry, call.request.principal, resource)
  let askedAt = startedAt
  let after: readonly Stored[] | undefined
  let limit: number = steps[1]
  return async () => {
    const now = performance.now()
    if (now - startedAt > call.platform.limits.export)
      throw problem('unavailable', { detail: 'The export took too long. Filter for fewer rows.' })
    // Who loses his right, or his credential, in the middle gets no more.
    if (now - askedAt > ASK_AGAIN_AFTER) {
      const renewed = await call.renew()
      // The header is sent, and the filter may be of a field that he could read when he began.
      if (fieldView(call.platform.registry, renewed.principal, resource).key !== view.key)
        throw problem('permission_denied', { detail: 'What you may read of these rows has changed.' })
      ;({ visible, session } = renewed)
      askedAt = performance.now()
    }
    const asked = limit
    const rows = await session.list({
      resource,
      where: and(visible, query.where),
      after,
      sort,
      fields: printer.fields,
      view,
      limit: asked,
      offset: 0,
    })
    let text = after === undefined && format === 'csv' ? csvHeader(printer.fields) : ''
    for (const row of rows) text += format === 'csv' ? csvLine(printer.fields, row, view) : `${printer.print(row)}\n`
    const length = text.length / Math.max(rows.length, 1)
    limit = steps.find((step) => step * length <= USUAL_BATCH) ?? steps[2]
    const last = rows.at(-1)
    if (last) after = sortValues(sort, last)
    return { text, rows: rows.length, last: rows.length < asked }
  }
}

/** As the answer of a failed request would say it, without a cause that nobody outside should know. */
function wordsOf(error: unknown, requestId: string): object {
  const known = PlinthError.is(error) ? error : problem('internal_error')
  return {
    title: known.title,
    status: known.status,
    code: known.code,
    requestId,
    ...(known.detail && { detail: known.detail }),
  }
}
