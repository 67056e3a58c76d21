import { fieldView } from '../../fields/field-view.ts'
import { matchVersion } from '../../output/conditional.ts'
import type { TextAnswer } from '../../pipeline/answer.ts'
import type { Call } from '../../pipeline/call.ts'
import {
  changeRow,
  preparedNeedsTransaction,
  preparePatch,
  prepareReplacement,
  type PreparedChange,
} from '../../write/change-row.ts'
import { refuseQuery } from './read.ts'
import { writeByCall } from './write-by-call.ts'
import { rowAnswer } from './written-row.ts'

/** `PATCH /{plural}/:id`: a JSON merge patch. `{}` changes nothing, not even the version. */
export async function patchRow(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { resource } = call.request.route
  return change(
    call,
    preparePatch(resource, fieldView(call.platform.registry, call.request.principal, resource), call.body),
  )
}

/** `PUT /{plural}/:id`: the whole row. What the server owns, hides or keeps secret, and what is not his to write, is ignored and kept. */
export async function replaceRow(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  return change(call, prepareReplacement(call.request.route.resource, call.body))
}

function change(call: Call, prepared: PreparedChange): Promise<TextAnswer> {
  const { resource } = call.request.route
  const operation = {
    resource,
    id: call.parameters.id!,
    visible: call.visible,
    allowed: call.allowed,
    ifVersion: matchVersion(call.headers['if-match']),
    event: 'updated',
  }
  const writer = { platform: call.platform, principal: call.request.principal }
  return writeByCall(call, preparedNeedsTransaction(writer, resource, operation.id, prepared), async (parts) => {
    const row = await changeRow(parts, operation, prepared)
    return rowAnswer(call, parts.session, resource, row)
  })
}
