import { problem } from '../errors/plinth-error.ts'
import type { ChangeOperation, RawRow, Transaction } from '../ports/database.ts'
import type { Context } from '../resource/context.ts'
import { admits } from '../resource/admitted.ts'
import type { ReadingParts } from '../resource/reading-context.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'

/** In whose name and through what something is written. Every way to write (HTTP, bulk, clear, `ctx`) makes one of these. */
export interface WriteParts extends ReadingParts {
  /** Undefined where the write is one statement; what needs more is asked for by `needsTransaction`. */
  readonly transaction: Transaction | undefined
  /** How many hooks led here. */
  readonly depth: number
  /** Makes the `ctx` of hooks; handed along, since `ctx` itself writes by these parts. */
  readonly contextOf: (parts: WriteParts & { readonly transaction: Transaction }) => Context
}

/** The transaction of a write that said it needs one. */
export function transactionOf(parts: WriteParts): Transaction {
  if (parts.transaction) return parts.transaction
  throw new Error('this write needs a transaction and was begun without one')
}

/**
 * May this row, which was locked, be changed as asked? Between the lock and the answer nobody else can change it.
 * @throws permission_denied, version_mismatch
 */
export async function authoriseLocked(
  parts: WriteParts,
  row: RawRow,
  operation: ChangeOperation,
  verb: string,
): Promise<void> {
  const { resource, allowed, ifVersion } = operation
  if (!(await admits(parts.session, resource, row, allowed, parts.scope.facts))) throw deniedRow(resource, verb)
  if (ifVersion !== undefined && Number(row.version) !== ifVersion) throw problem('version_mismatch')
}

export function deniedRow(resource: ResourceInfo, verb: string): Error {
  const asked = `${resource.name}:${verb}`
  return problem('permission_denied', { detail: `This row needs the permission ${asked} in a wider scope.`, asked })
}
