import { readShared } from '../../cache/read-shared.ts'
import { problem, type InputFault } from '../../errors/plinth-error.ts'
import { fieldView, type FieldView } from '../../fields/field-view.ts'
import { loadIncludes } from '../../include/load-includes.ts'
import { includable, readIncludes, type Include } from '../../include/read-includes.ts'
import { readQuery } from '../../list/query-text.ts'
import { readMask } from '../../list/list-query.ts'
import { noneMatch } from '../../output/conditional.ts'
import { rowPrinter, type RowPrinter } from '../../output/print-row.ts'
import { emptyAnswer, jsonAnswer, type Answer } from '../../pipeline/answer.ts'
import type { Call } from '../../pipeline/call.ts'

/** `GET /{plural}/:id` → the row with its ETag, or 304. With `include` there is no tag: it would say nothing of the others. */
export async function readRow(call: Call): Promise<Answer> {
  const { resource } = call.request.route
  const view = fieldView(call.platform.registry, call.request.principal, resource)
  const { printer, includes } = chosen(call, view)
  const row = await readShared(call, view)
  if (!row) throw problem('not_found')
  if (includes.length > 0) {
    const whole = await loadIncludes(call.session, includes, [row], 1)
    return jsonAnswer(200, whole(row, printer.print(row)))
  }
  const etag = printer.etag(row)
  if (noneMatch(call.headers['if-none-match'], etag)) return emptyAnswer(304, { etag })
  return jsonAnswer(200, printer.print(row), { etag })
}

/** The `fields` and `include` of a request for one row. @throws invalid_query */
function chosen(call: Call, view: FieldView): { readonly printer: RowPrinter; readonly includes: readonly Include[] } {
  const { resource } = call.request.route
  if (call.search === '') return { printer: rowPrinter(resource, view), includes: [] }
  const parameters = readQuery(call.search)
  const allowed = includable(call.platform.registry, call.request.principal, resource)
  const own = allowed.size === 0 ? ['fields'] : ['fields', 'include']
  const faults: InputFault[] = []
  for (const name of parameters.keys()) {
    if (!own.includes(name))
      faults.push({
        path: `?${name.slice(0, 64)}`,
        code: 'unknown_parameter',
        message: `Allowed: ${own.join(', ')}`,
      })
  }
  const { includes, ownFields } = readIncludes(allowed, parameters, faults)
  const mask = readMask(view, ownFields, faults)
  if (faults.length > 0) throw problem('invalid_query', { errors: faults })
  return { printer: rowPrinter(resource, view, mask), includes }
}

/**
 * What is not read is refused: an ignored parameter may have been meant as a condition. Writes read none but those named here.
 * @throws malformed_request, invalid_query
 */
export function refuseQuery({ search }: Pick<Call, 'search'>, allowed: readonly string[] = []): void {
  if (search === '') return
  const unknown = [...readQuery(search).keys()].filter((name) => !allowed.includes(name))
  if (unknown.length === 0) return
  const message = allowed.length === 0 ? 'No query is read here' : `Allowed: ${allowed.join(', ')}`
  throw problem('invalid_query', {
    errors: unknown.map((name) => ({ path: `?${name.slice(0, 64)}`, code: 'unknown_parameter', message })),
  })
}
