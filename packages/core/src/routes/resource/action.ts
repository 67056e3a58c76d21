import { problem } from '../../errors/plinth-error.ts'
import { validate } from '../../input/validate.ts'
import { fieldView } from '../../fields/field-view.ts'
import { rowPrinter, wholeRow } from '../../output/print-row.ts'
import { emptyAnswer, jsonAnswer, type TextAnswer } from '../../pipeline/answer.ts'
import type { Call } from '../../pipeline/call.ts'
import type { RawRow, Transaction } from '../../ports/database.ts'
import type { ActionInfo } from '../../resource/resource-info.ts'
import { transactionContext } from '../../resource/transaction-context.ts'
import { lockedRow } from '../../write/locked-row.ts'
import { refuseQuery } from './read.ts'
import { slowPart } from './slow-part.ts'

/**
 * `POST /{plural}/:id/{action}`: authorise the row, run the action in one transaction, answer with the row or the declared
 * output. With `outside`, the slow part happens between two transactions, and the second one insists on the version that
 * the first one saw.
 */
export function runAction(action: ActionInfo): (call: Call) => Promise<TextAnswer> {
  return async (call) => {
    refuseQuery(call)
    const input = action.input ? validate(action.input, call.body) : undefined
    const { resource } = call.request.route
    if (!action.outside) {
      return call.transact(async (transaction) => {
        const raw = await lockedRow(call, transaction, resource)
        return finish(call, action, transaction, raw, input)
      })
    }
    const before = await call.replay()
    if (before) return before
    const seen = await call.platform.database.transaction(call.scope, (transaction) =>
      lockedRow(call, transaction, resource),
    )
    const result = await slowPart(call, action, wholeRow(resource, seen), input)
    return call.transact(async (transaction) => {
      const raw = await lockedRow(call, transaction, resource)
      // The caller named no version; that the row moved on meanwhile is no failed precondition of his.
      if (Number(raw.version) !== Number(seen.version)) {
        throw problem('conflict', { detail: 'The row changed while the action was at work.' })
      }
      return finish(call, action, transaction, raw, result)
    })
  }
}

async function finish(
  call: Call,
  action: ActionInfo,
  transaction: Transaction,
  raw: RawRow,
  given: unknown,
): Promise<TextAnswer> {
  const { platform, request, scope } = call
  const { resource } = request.route
  const id = String(raw.id)
  let changed = false
  const context = transactionContext({
    platform,
    scope,
    transaction,
    principal: request.principal,
    tenant: request.tenant,
    covered: { resource, id, event: action.name, onChange: () => (changed = true) },
  })
  const run = action.run as (context: unknown, row: unknown, given: unknown) => unknown
  const result = await run(context, wholeRow(resource, raw), given)
  const type = `${resource.name}.${action.name}`
  // A change of the row was announced under the action's name by its own statement.
  if (!changed && !action.readOnly) await transaction.emit({ type, key: `${resource.name}:${id}`, data: { id } })
  if (action.output) {
    const checked = action.output.safeParse(result)
    if (!checked.success)
      throw new Error(`the action ${type} answered something else than its output schema: ${checked.error.message}`)
    return jsonAnswer(200, JSON.stringify(checked.data))
  }
  // What `run` returned may be a row that has changed again since; the answer is the row as it is stored.
  const view = fieldView(platform.registry, request.principal, resource)
  const row = await transaction.read({ resource, id, visible: call.visible, view })
  if (!row) return emptyAnswer(204) // the action deleted it, or moved it out of sight
  const printer = rowPrinter(resource, view)
  return jsonAnswer(200, printer.print(row), { etag: printer.etag(row) })
}
