import { compare } from '../condition/condition.ts'
import { openView } from '../fields/field-view.ts'
import { problem } from '../errors/plinth-error.ts'
import { pointer } from '../input/validate.ts'
import type { Call } from '../pipeline/call.ts'
import { RELATED_TO, type RawRow, type Transaction } from '../ports/database.ts'
import { admittedAmong } from '../resource/admitted.ts'
import { withOwnerGroup } from '../resource/new-row-scope.ts'
import { fieldOf } from '../resource/resource-info.ts'
import { partsOf } from '../routes/resource/write-by-call.ts'
import { createRow } from '../write/create-row.ts'
import { deleteRow } from '../write/delete-row.ts'
import type { Link } from './link.ts'

/** Ids in a set, and ties of a row that a set can still replace. */
export const MOST_LINKED = 100
const MOST_TIES = 1_000

/**
 * Makes the ties of a row those of this set. Each tie is a row of its own resource, made and deleted under that resource's
 * permissions, hooks, records and events. What the principal does not see is neither counted nor touched: a tie to a row that is
 * hidden from him stays.
 *
 * @returns whether anything changed
 * @throws validation_failed for an id that he may not see, permission_denied, conflict
 */
export async function setLinks(
  call: Call,
  transaction: Transaction,
  link: Link,
  id: string,
  wanted: readonly string[],
): Promise<boolean> {
  const { registry } = call.platform
  const { principal } = call.request
  const { through, near, far, target } = link
  const may = (resource: { readonly name: string }, verb: string) =>
    principal.permissions.condition(registry.permissions.numberOf(resource.name, verb)!)
  const ties = await transaction.list({
    resource: through,
    // All of them: a tie that he does not see is there nevertheless, and cannot be made again.
    where: compare(near.key, 'eq', id),
    after: undefined,
    sort: [{ field: fieldOf(through, 'id'), descending: false }],
    fields: through.fields,
    view: openView(through),
    limit: MOST_TIES + 1,
    offset: 0,
  })
  if (ties.length > MOST_TIES)
    throw problem('conflict', { detail: `More than ${MOST_TIES} ${link.name} are linked; change them one by one.` })
  const farOf = (tie: RawRow): string => String(tie[far.key])
  const tied = new Set(ties.map(farOf))
  const seen = await visibleAmong(transaction, link, may(target, 'read'), [...new Set([...wanted, ...tied])])
  const unseen = wanted.flatMap((each, at) => (seen.has(each) ? [] : [at]))
  if (unseen.length > 0) {
    throw problem('validation_failed', {
      errors: unseen.map((at) => ({
        path: pointer([link.idsKey, at]),
        code: 'reference_not_found',
        message: 'There is no such row to refer to',
      })),
    })
  }
  const added = [...new Set(wanted)].filter((each) => !tied.has(each))
  const visible = may(through, 'read')
  const dropped = ties.filter((tie) => !wanted.includes(farOf(tie)) && seen.has(farOf(tie)))
  const removed = await admittedAmong(transaction, through, dropped, visible, call.scope.facts)
  const parts = partsOf(call, transaction, transaction)
  for (const each of added) {
    const ends = new Map([
      [near, id],
      [far, each],
    ])
    const values = withOwnerGroup(through, may(through, 'create'), call.scope.facts, ends)
    await createRow(parts, through, values)
  }
  for (const tie of removed) {
    await deleteRow(parts, {
      resource: through,
      id: String(tie['id']),
      visible,
      allowed: may(through, 'delete'),
      ifVersion: undefined,
      event: 'deleted',
    })
  }
  return added.length + removed.length > 0
}

async function visibleAmong(
  transaction: Transaction,
  { target }: Link,
  where: Parameters<Transaction['related']>[0]['where'],
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  if (keys.length === 0 || where.kind === 'never') return new Set()
  const rows = await transaction.related({ resource: target, where, keys, fields: [fieldOf(target, 'id')], by: 'id' })
  return new Set(rows.map((row) => String(row[RELATED_TO])))
}
