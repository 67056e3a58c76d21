import { inputSchemas } from '../../input/schemas.ts'
import { storedValues, validate } from '../../input/validate.ts'
import type { TextAnswer } from '../../pipeline/answer.ts'
import type { Call } from '../../pipeline/call.ts'
import { withOwnerGroup } from '../../resource/new-row-scope.ts'
import { createRow as create } from '../../write/create-row.ts'
import { creationNeedsTransaction } from '../../write/needs-transaction.ts'
import { refuseQuery } from './read.ts'
import { writeByCall } from './write-by-call.ts'
import { rowAnswer } from './written-row.ts'

/** `POST /{plural}` → 201 with `Location` and the row. Owner, tenant, id and times are the server's. */
export async function createRow(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { resource } = call.request.route
  const given = storedValues(resource, validate(inputSchemas(resource).whole, call.body))
  const values = withOwnerGroup(resource, call.allowed, call.scope.facts, given)
  const writer = { platform: call.platform, principal: call.request.principal }
  return writeByCall(call, creationNeedsTransaction(writer, resource, [...values.keys()]), async (parts) => {
    const row = await create(parts, resource, values)
    const location = `${call.platform.basePath}/api/v1/${resource.path}/${String(row.id)}`
    return rowAnswer(call, parts.session, resource, row, { status: 201, location })
  })
}
