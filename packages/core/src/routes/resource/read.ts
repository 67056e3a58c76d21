import { problem, type InputFault } from '../../errors/plinth-error.ts'
import { readQuery } from '../../list/query-text.ts'
import { readMask } from '../../list/list-query.ts'
import { noneMatch } from '../../output/conditional.ts'
import { rowPrinter } from '../../output/print-row.ts'
import { emptyAnswer, jsonAnswer, type Answer } from '../../pipeline/answer.ts'
import type { Call } from '../../pipeline/call.ts'

/** `GET /{plural}/:id` → the row with its ETag, or 304. */
export async function readRow(call: Call): Promise<Answer> {
  const { resource } = call.request.route
  const printer = rowPrinter(resource, maskOf(call))
  const row = await call.session.read({ resource, id: call.parameters.id!, visible: call.visible })
  if (!row) throw problem('not_found')
  const etag = printer.etag(row)
  if (noneMatch(call.headers['if-none-match'], etag)) return emptyAnswer(304, { etag })
  return jsonAnswer(200, printer.print(row), { etag })
}

/** The `fields` of a request for one row. @throws invalid_query */
function maskOf(call: Call): readonly string[] | undefined {
  if (call.search === '') return undefined
  const parameters = readQuery(call.search)
  const faults: InputFault[] = []
  for (const name of parameters.keys()) {
    if (name !== 'fields')
      faults.push({ path: `?${name.slice(0, 64)}`, code: 'unknown_parameter', message: 'Allowed: fields' })
  }
  const mask = readMask(call.request.route.resource, parameters.get('fields'), faults)
  if (faults.length > 0) throw problem('invalid_query', { errors: faults })
  return mask
}

/** Writes take no query; an ignored one may have been meant as a condition. @throws invalid_query */
export function refuseQuery(call: Call): void {
  if (call.search === '') return
  const names = [...readQuery(call.search).keys()]
  if (names.length === 0) return
  throw problem('invalid_query', {
    errors: names.map((name) => ({
      path: `?${name.slice(0, 64)}`,
      code: 'unknown_parameter',
      message: 'No query is read here',
    })),
  })
}
