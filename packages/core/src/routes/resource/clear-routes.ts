import { z } from 'zod'
import { and } from '../../condition/condition.ts'
import { problem, type InputFault } from '../../errors/plinth-error.ts'
import { readQuery } from '../../list/query-text.ts'
import { jsonAnswer, type TextAnswer } from '../../pipeline/answer.ts'
import type { Call } from '../../pipeline/call.ts'
import type { ResourceInfo } from '../../resource/resource-info.ts'
import { clearRows } from '../../write/clear-rows.ts'
import type { GuardedRoute } from '../route.ts'
import type { RouteParts } from './route-parts.ts'
import { partsOf } from './write-by-call.ts'

/** Deleting every row, where the resource says `operations: { clear: true }`. */
export function clearRoutes(resource: ResourceInfo, parts: RouteParts): readonly GuardedRoute[] {
  if (!resource.operations.clear) return []
  return [
    {
      ...parts.common,
      ...parts.guard('clear'),
      method: 'DELETE',
      path: parts.base,
      operationId: `clear${parts.title}`,
      summary: `Delete every ${resource.name} that you may clear`,
      query: [
        {
          name: 'confirm',
          description: `The word ${resource.path}, so that no slip of a path deletes everything`,
          schema: z.literal(resource.path),
          required: true,
        },
      ],
      errors: ['invalid_query', 'still_referenced', 'too_many_rows'],
      handle: clear,
      answers: [{ status: 200, description: 'How many went', schema: answer, example: { deleted: 12 } }],
    },
  ]
}

const answer = z.object({ deleted: z.int() })

/** `DELETE /{plural}?confirm={plural}` → how many. Of the rows in sight, those within the scope of the permission. */
async function clear(call: Call): Promise<TextAnswer> {
  const { resource } = call.request.route
  refuseUnconfirmed(resource, readQuery(call.search))
  return call.transact(async (transaction) => {
    const parts = partsOf(call, transaction, transaction)
    const deleted = await clearRows(parts, resource, and(call.visible, call.allowed))
    return jsonAnswer(200, JSON.stringify({ deleted }))
  })
}

/**
 * A filter would be believed to narrow what is deleted: any other parameter is a fault.
 * @throws invalid_query
 */
function refuseUnconfirmed(resource: ResourceInfo, query: ReadonlyMap<string, string>): void {
  const errors: InputFault[] = []
  for (const name of query.keys()) {
    if (name !== 'confirm')
      errors.push({ path: `?${name.slice(0, 64)}`, code: 'unknown_parameter', message: 'Allowed: confirm' })
  }
  if (query.get('confirm') !== resource.path)
    errors.push({ path: '?confirm', code: 'unconfirmed', message: `Say ?confirm=${resource.path} to delete every row` })
  if (errors.length > 0) throw problem('invalid_query', { errors })
}
