import { and } from '../../condition/condition.ts'
import { exportRows } from '../../export/export-rows.ts'
import { fieldView } from '../../fields/field-view.ts'
import { loadIncludes, withReferences } from '../../include/load-includes.ts'
import { includable } from '../../include/read-includes.ts'
import { makeCursor, readCursor } from '../../list/cursor.ts'
import { readListQuery } from '../../list/list-query.ts'
import { readQuery } from '../../list/query-text.ts'
import { MOST_CHARACTERS, refuseTooLarge } from '../../output/page-size.ts'
import { jsonAnswer, LIST_VARY, type Answer } from '../../pipeline/answer.ts'
import type { Call } from '../../pipeline/call.ts'

/** `GET /{plural}` → `{ data, page }`. One statement; `?count=exact` and each include cost one more. With `format=csv` or by `Accept`: all rows, as a stream. */
export async function listRows(call: Call): Promise<Answer> {
  const { resource } = call.request.route
  const { secrets } = call.platform
  const { registry } = call.platform
  const view = fieldView(registry, call.request.principal, resource)
  const query = readListQuery(resource, readQuery(call.search), {
    includable: includable(registry, call.request.principal, resource),
    accept: call.headers.accept,
    view,
  })
  if (query.format) return exportRows(call, query, query.format)
  const binding = `${call.scope.tenantId}|${resource.name}|${query.binding}`
  const after = query.cursor === undefined ? undefined : readCursor(secrets, binding, query.cursor)
  const where = and(call.visible, query.where)
  const rows = await call.session.list({
    resource,
    where,
    after,
    sort: query.sort,
    fields: withReferences(query.printer.fields, query.includes),
    view,
    // One more than asked for says whether there is a next page, without a count.
    limit: query.limit + 1,
    offset: query.offset ?? 0,
  })
  const total = query.countExactly ? await call.session.count({ resource, where }) : undefined
  const hasMore = rows.length > query.limit
  const shown = hasMore ? rows.slice(0, query.limit) : rows
  const last = shown.at(-1)
  const page = JSON.stringify({
    page: query.page ?? null,
    pageSize: query.limit,
    hasMore,
    nextCursor: hasMore && last ? makeCursor(secrets, binding, query.sort, last) : null,
    ...(total === undefined ? {} : { total }),
  })
  const { includes, printer } = query
  const whole = includes.length === 0 ? undefined : await loadIncludes(call.session, includes, shown, query.limit)
  let data = ''
  for (const row of shown) {
    const printed = printer.print(row)
    const text = whole ? whole(row, printed) : printed
    data += data === '' ? text : `,${text}`
    if (data.length > MOST_CHARACTERS) refuseTooLarge()
  }
  return jsonAnswer(200, `{"data":[${data}],"page":${page}}`, { vary: LIST_VARY })
}
