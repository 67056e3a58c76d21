import { matchVersion } from '../../output/conditional.ts'
import type { TextAnswer } from '../../pipeline/answer.ts'
import type { Call } from '../../pipeline/call.ts'
import { restorationNeedsTransaction } from '../../write/needs-transaction.ts'
import { restoreRow as restore } from '../../write/restore-row.ts'
import { refuseQuery } from './read.ts'
import { writeByCall } from './write-by-call.ts'
import { rowAnswer } from './written-row.ts'

/** `POST /{plural}/:id/restore` → 200 with the row, where the table is deleted softly. */
export async function restoreRow(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { resource } = call.request.route
  const operation = {
    resource,
    id: call.parameters.id!,
    visible: call.visible,
    allowed: call.allowed,
    ifVersion: matchVersion(call.headers['if-match']),
    event: 'restored',
  }
  return writeByCall(call, restorationNeedsTransaction(call.platform, resource), async (parts) => {
    const row = await restore(parts, operation)
    return rowAnswer(call, parts.session, resource, row)
  })
}
