import { fieldView } from '../../fields/field-view.ts'
import type { Condition } from '../../condition/condition.ts'
import { problem } from '../../errors/plinth-error.ts'
import { linksOf } from '../../link/link.ts'
import { MOST_CHARACTERS } from '../../output/page-size.ts'
import { jsonAnswer, type TextAnswer } from '../../pipeline/answer.ts'
import type { Call } from '../../pipeline/call.ts'
import type { Session, Stored } from '../../ports/database.ts'
import { visibleTo } from '../../policy/visible-to.ts'
import { refuseOutOfScope, withOwnerGroup } from '../../resource/new-row-scope.ts'
import type { FieldInfo } from '../../resource/resource-info.ts'
import { at, inData, readBulk, statusOf, type BulkOp } from '../../write/bulk-input.ts'
import { bulkRows, runInTransaction, type BulkReach, type BulkResult } from '../../write/bulk-rows.ts'
import { refuseQuery } from './read.ts'
import { partsOf } from './write-by-call.ts'
import { shownRows } from './written-row.ts'

/** `POST /{plural}/bulk` → what became of each operation, in order. One transaction: any failure rolls all back and names its row. */
export async function runBulk(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, request, scope } = call
  const { resource } = request.route
  const { permissions } = platform.registry
  const may = (op: BulkOp): Condition =>
    request.principal.permissions.condition(permissions.numberOf(resource.name, op)!)
  const allowed = { create: may('create'), update: may('update'), delete: may('delete') }
  const { seeing } = request.route
  const seen = (op: BulkOp): Condition => visibleTo(request.principal.permissions, seeing, allowed[op])
  // Without the right to read, each operation sees its own rows, as its single route does. Those of all of them together would
  // answer 403 for a stranger's row and 404 for none to who may create anything and update only what is his.
  const visible = { create: seen('create'), update: seen('update'), delete: seen('delete') }
  const reach: BulkReach = { allowed, visible }
  const links = linksOf(platform.registry, resource).map((link) => link.idsKey)
  const mayDo = (op: BulkOp): void => {
    if (reach.allowed[op].kind === 'never')
      throw problem('permission_denied', { detail: `This needs the permission ${resource.name}:${op}.` })
    // Of a row of some group of his: which one, the data says, and that is read when all may be done.
    if (op === 'create') refuseOutOfScope(resource, reach.allowed.create, scope.facts, scope.facts.groupIds[0] ?? null)
  }
  const owned = (values: ReadonlyMap<FieldInfo, Stored>): ReadonlyMap<FieldInfo, Stored> =>
    withOwnerGroup(resource, reach.allowed.create, scope.facts, values)
  const operations = readBulk(
    resource,
    call.body,
    mayDo,
    links,
    fieldView(platform.registry, request.principal, resource),
  ).map((operation, index) =>
    operation.op === 'create'
      ? { ...operation, values: at(index, () => inData(() => owned(operation.values))) }
      : operation,
  )
  return runInTransaction(
    (work) => call.transact(work),
    async (transaction, grouped) => {
      const parts = partsOf(call, transaction, transaction)
      const results = await bulkRows(parts, resource, operations, reach, grouped)
      return jsonAnswer(200, await printResults(call, transaction, results))
    },
  )
}

/** Rows are left out once they have filled an answer: a hundred of them may be longer than a process can hold. */
async function printResults(call: Call, session: Session, results: readonly BulkResult[]): Promise<string> {
  const whole = results.flatMap(({ row }) => (row ? [row] : []))
  const { printer, rows } = await shownRows(call, session, call.request.route.resource, whole)
  const next = rows.values()
  let text = ''
  for (const { op, id, row } of results) {
    const shown = row && next.next().value
    const printed = shown && text.length < MOST_CHARACTERS ? `,"row":${printer.print(shown)}` : ''
    text += `${text === '' ? '' : ','}{"op":"${op}","id":${JSON.stringify(id)},"status":${statusOf[op]}${printed}}`
  }
  return `{"results":[${text}]}`
}
