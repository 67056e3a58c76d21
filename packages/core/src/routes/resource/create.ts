import { uuidv7 } from 'uuidv7'
import { inputSchemas } from '../../input/schemas.ts'
import { storedValues, validate } from '../../input/validate.ts'
import { rowPrinter } from '../../output/print-row.ts'
import { jsonAnswer, type TextAnswer } from '../../pipeline/answer.ts'
import type { Call } from '../../pipeline/call.ts'
import type { CreateOperation, Session } from '../../ports/database.ts'
import { concernsTemplates, holdTemplates, settleTemplates } from '../../template/settle.ts'
import { refuseUnseenReferences } from '../../resource/references.ts'
import { refuseOutOfScope } from '../../resource/new-row-scope.ts'
import { refuseQuery } from './read.ts'

/** `POST /{plural}` → 201 with `Location` and the row. Owner, tenant, id and times are the server's. */
export async function createRow(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { resource } = call.request.route
  const given = storedValues(resource, validate(inputSchemas(resource).whole, call.body))
  refuseOutOfScope(resource, call.allowed, call.scope.facts)
  const printer = rowPrinter(resource)
  const { registry } = call.platform
  const refer = (session: Session): Promise<void> =>
    refuseUnseenReferences(registry, call.request.principal, resource, given, session)
  const add = async (session: Session, values: CreateOperation['values']): Promise<TextAnswer> => {
    const row = await session.create({ resource, id: uuidv7(), ownerUserId: call.request.principal.userId, values })
    const location = `${call.platform.basePath}/api/v1/${resource.path}/${String(row.id)}`
    return jsonAnswer(201, printer.print(row), { etag: printer.etag(row), location })
  }
  if (concernsTemplates(registry, resource, given.keys())) {
    return call.transact(async (transaction) => {
      const values = new Map(given)
      await holdTemplates(registry, resource, transaction)
      await refer(transaction)
      await settleTemplates({ registry, resource, transaction, values, current: undefined })
      return add(transaction, values)
    })
  }
  return call.write(async (session) => {
    await refer(session)
    return add(session, given)
  })
}
