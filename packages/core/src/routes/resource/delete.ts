import { matchVersion } from '../../output/conditional.ts'
import { emptyAnswer, type TextAnswer } from '../../pipeline/answer.ts'
import type { Call } from '../../pipeline/call.ts'
import { changedRow } from './outcome.ts'
import { refuseQuery } from './read.ts'

/** `DELETE /{plural}/:id` → 204. Soft where the table has `deletedAt`. */
export async function deleteRow(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { resource } = call.request.route
  return call.write(async (session) => {
    const result = await session.delete({
      resource,
      id: call.parameters.id!,
      visible: call.visible,
      allowed: call.allowed,
      ifVersion: matchVersion(call.headers['if-match']),
      event: 'deleted',
    })
    changedRow(result, `${resource.name}:delete`)
    return emptyAnswer(204)
  })
}
