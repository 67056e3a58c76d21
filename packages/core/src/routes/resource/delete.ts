import { matchVersion } from '../../output/conditional.ts'
import { emptyAnswer, type TextAnswer } from '../../pipeline/answer.ts'
import type { Call } from '../../pipeline/call.ts'
import { deleteRow as remove } from '../../write/delete-row.ts'
import { deletionNeedsTransaction } from '../../write/needs-transaction.ts'
import { refuseQuery } from './read.ts'
import { writeByCall } from './write-by-call.ts'

/** `DELETE /{plural}/:id` → 204. Soft where the table has `deletedAt`. */
export async function deleteRow(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { resource } = call.request.route
  const operation = {
    resource,
    id: call.parameters.id!,
    visible: call.visible,
    allowed: call.allowed,
    ifVersion: matchVersion(call.headers['if-match']),
    event: 'deleted',
  }
  return writeByCall(call, deletionNeedsTransaction(call.platform, resource), async (parts) => {
    await remove(parts, operation)
    return emptyAnswer(204)
  })
}
