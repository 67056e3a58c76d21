import type { TextAnswer } from '../../pipeline/answer.ts'
import type { Call } from '../../pipeline/call.ts'
import type { Session, Transaction } from '../../ports/database.ts'
import { transactionContext } from '../../resource/transaction-context.ts'
import type { WriteParts } from '../../write/write-parts.ts'

/** In whose name a request writes. */
export function partsOf(call: Call, session: Session, transaction: Transaction | undefined): WriteParts {
  const { platform, scope, request } = call
  const { principal, tenant } = request
  return { platform, scope, principal, tenant, session, transaction, depth: 0, contextOf: transactionContext }
}

/** A write of a request: one statement where that is enough, else one transaction. */
export function writeByCall(
  call: Call,
  needsTransaction: boolean,
  work: (parts: WriteParts) => Promise<TextAnswer>,
): Promise<TextAnswer> {
  return needsTransaction
    ? call.transact((transaction) => work(partsOf(call, transaction, transaction)))
    : call.write((session) => work(partsOf(call, session, undefined)))
}
