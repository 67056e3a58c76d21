import { and, oneOf, or, type Condition } from '../condition/condition.ts'
import { PlinthError } from '../errors/plinth-error.ts'
import type { RawRow, Transaction } from '../ports/database.ts'
import { fieldOf, type ResourceInfo } from '../resource/resource-info.ts'
import { holdTemplates } from '../template/settle.ts'
import { at, inData, MOST_OPERATIONS, type BulkOp, type BulkOperation } from './bulk-input.ts'
import { changeRow } from './change-row.ts'
import { createRow, finishRow, prepareRow, type PreparedRow } from './create-row.ts'
import { deleteRow } from './delete-row.ts'
import { isSoft } from './family.ts'
import { deletionNeedsTransaction } from './needs-transaction.ts'
import { hasHook } from './run-hooks.ts'
import { transactionOf, type WriteParts } from './write-parts.ts'

export interface BulkResult {
  readonly op: BulkOp
  readonly id: string
  readonly row: RawRow | undefined
}

/** On which rows each operation may be done, and which may be seen. */
export interface BulkReach {
  readonly visible: Readonly<Record<BulkOp, Condition>>
  readonly allowed: Readonly<Record<BulkOp, Condition>>
}

/** Several creates failed in one statement, which does not say at which row. Without the cause, or it would be answered with that. */
class GroupRefused extends Error {}

/**
 * Runs a bulk in a transaction that `transact` opens. Creates that follow each other become one statement; should that be refused,
 * all of it is done again one by one, to name the row: it was rolled back anyway.
 */
export async function runInTransaction<T>(
  transact: (work: (transaction: Transaction) => Promise<T>) => Promise<T>,
  work: (transaction: Transaction, grouped: boolean) => Promise<T>,
): Promise<T> {
  try {
    return await transact((transaction) => work(transaction, true))
  } catch (error) {
    if (!(error instanceof GroupRefused)) throw error
    return transact((transaction) => work(transaction, false))
  }
}

/** Every operation in its order; the first that fails ends it. @throws what the operation would, with its place */
export async function bulkRows(
  parts: WriteParts,
  resource: ResourceInfo,
  operations: readonly BulkOperation[],
  reach: BulkReach,
  grouped: boolean,
): Promise<readonly BulkResult[]> {
  await lockAll(parts, resource, operations, reach)
  const group = grouped && !hasHook(resource, 'beforeCreate', 'afterCreate')
  const results: BulkResult[] = []
  for (let index = 0; index < operations.length;) {
    const end = group ? endOfCreates(operations, index) : index
    if (end - index > 1) {
      results.push(...(await createTogether(parts, resource, operations, index, end)))
      index = end
    } else {
      results.push(await at(index, () => runOne(parts, resource, operations[index]!, reach)))
      index += 1
    }
  }
  return results
}

/**
 * Takes the locks on all rows at once, in the order of their ids: two bulks that name the same rows in different orders would
 * each wait for the other.
 */
async function lockAll(
  parts: WriteParts,
  resource: ResourceInfo,
  operations: readonly BulkOperation[],
  { visible }: BulkReach,
): Promise<void> {
  const { registry } = parts.platform
  const transaction = transactionOf(parts)
  if (registry.templates.ofInstance.has(resource) || registry.templates.ofTemplate.has(resource)) {
    await holdTemplates(registry, resource, transaction)
  }
  const ids = new Set(
    operations.flatMap((operation) => (operation.op === 'create' ? [] : [printedId(resource, operation.id)])),
  )
  if (ids.size < 2) return
  const deletes = operations.some((operation) => operation.op === 'delete')
  const hard = !isSoft(resource) || deletionNeedsTransaction(parts.platform, resource)
  await transaction.lockMany({
    resource,
    where: and(or(visible.update, visible.delete), oneOf('id', [...ids])),
    strength: deletes && hard ? 'delete' : 'change',
    limit: MOST_OPERATIONS,
    fields: [resource.byKey.get('id')!],
  })
}

/** As PostgreSQL prints it: a uuid in lower case. Of another key, another case is another row. */
function printedId(resource: ResourceInfo, id: string): string {
  return fieldOf(resource, 'id').kind.name === 'uuid' ? id.toLowerCase() : id
}

function endOfCreates(operations: readonly BulkOperation[], start: number): number {
  let end = start
  while (operations[end]?.op === 'create') end += 1
  return end
}

async function createTogether(
  parts: WriteParts,
  resource: ResourceInfo,
  operations: readonly BulkOperation[],
  start: number,
  end: number,
): Promise<readonly BulkResult[]> {
  const prepared: PreparedRow[] = []
  for (let index = start; index < end; index += 1) {
    const operation = operations[index]!
    if (operation.op !== 'create') throw new Error('only creates are grouped')
    prepared.push(await at(index, () => inData(() => prepareRow(parts, resource, operation.values))))
  }
  let rows: readonly RawRow[]
  try {
    rows = await transactionOf(parts).createMany(prepared.map(({ operation }) => operation))
  } catch (error) {
    // A deadlock stays what it is: the transaction is repeated as it was.
    throw PlinthError.is(error) && error.status < 500 && error.code !== 'conflict' ? new GroupRefused() : error
  }
  const results: BulkResult[] = []
  for (const [nth, row] of rows.entries()) {
    const finished = await at(start + nth, () => inData(() => finishRow(parts, prepared[nth]!, row)))
    results.push({ op: 'create', id: String(row.id), row: finished })
  }
  return results
}

async function runOne(
  parts: WriteParts,
  resource: ResourceInfo,
  operation: BulkOperation,
  { visible, allowed }: BulkReach,
): Promise<BulkResult> {
  if (operation.op === 'create') {
    const row = await inData(() => createRow(parts, resource, operation.values))
    return { op: 'create', id: String(row.id), row }
  }
  const { op, id, version: ifVersion } = operation
  const target = { resource, id, visible: visible[op], allowed: allowed[op], ifVersion, event: `${op}d` }
  if (op === 'update') {
    const row = await inData(() => changeRow(parts, target, operation.change))
    return { op, id: String(row.id), row }
  }
  await deleteRow(parts, target)
  return { op, id: printedId(resource, id), row: undefined }
}
