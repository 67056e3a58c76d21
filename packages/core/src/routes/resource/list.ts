import { and } from '../../condition/condition.ts'
import { problem } from '../../errors/plinth-error.ts'
import { makeCursor, readCursor } from '../../list/cursor.ts'
import { readListQuery } from '../../list/list-query.ts'
import { readQuery } from '../../list/query-text.ts'
import { jsonAnswer, type Answer } from '../../pipeline/answer.ts'
import type { Call } from '../../pipeline/call.ts'

/** Characters of a page. A hundred rows of a quarter megabyte, asked for by forty requests at once, end a process. */
const MOST_CHARACTERS = 8_388_608

/** `GET /{plural}` → `{ data, page }`. One statement; `?count=exact` costs a second one. */
export async function listRows(call: Call): Promise<Answer> {
  const { resource } = call.request.route
  const { secrets } = call.platform
  const query = readListQuery(resource, readQuery(call.search))
  const binding = `${call.scope.tenantId}|${resource.name}|${query.binding}`
  const after = query.cursor === undefined ? undefined : readCursor(secrets, binding, query.cursor)
  const where = and(call.visible, query.where)
  const rows = await call.session.list({
    resource,
    where,
    after,
    sort: query.sort,
    fields: query.printer.fields,
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
  let data = ''
  for (const row of shown) {
    data += data === '' ? query.printer.print(row) : `,${query.printer.print(row)}`
    if (data.length > MOST_CHARACTERS)
      throw problem('page_too_large', { detail: `At most ${MOST_CHARACTERS} characters are sent.` })
  }
  return jsonAnswer(200, `{"data":[${data}],"page":${page}}`)
}
