import { matchVersion } from '../../output/conditional.ts'
import { emptyAnswer, type TextAnswer } from '../../pipeline/answer.ts'
import type { Call } from '../../pipeline/call.ts'
import type { Session } from '../../ports/database.ts'
import { goesSoftly, refuseUsed } from '../../template/refuse-used.ts'
import { holdTemplates } from '../../template/settle.ts'
import { changedRow } from './outcome.ts'
import { refuseQuery } from './read.ts'

/** `DELETE /{plural}/:id` → 204. Soft where the table has `deletedAt`. */
export async function deleteRow(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { resource } = call.request.route
  const { registry } = call.platform
  const id = call.parameters.id!
  const remove = async (session: Session): Promise<TextAnswer> => {
    const result = await session.delete({
      resource,
      id,
      visible: call.visible,
      allowed: call.allowed,
      ifVersion: matchVersion(call.headers['if-match']),
      event: 'deleted',
    })
    changedRow(result, `${resource.name}:delete`)
    return emptyAnswer(204)
  }
  if (!goesSoftly(registry, resource)) return call.write(remove)
  return call.transact(async (transaction) => {
    await holdTemplates(registry, resource, transaction)
    const answer = await remove(transaction)
    await refuseUsed(registry, resource, id, transaction)
    return answer
  })
}
