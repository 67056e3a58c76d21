import type { Principal } from '../auth/principal.ts'
import { scopeOf } from '../pipeline/data.ts'
import type { Platform } from '../platform/platform.ts'
import type { TransactionPlace } from '../ports/beside.ts'
import type { Transaction } from '../ports/database.ts'
import type { Context, ReadingContext } from '../resource/context.ts'
import { readingContext } from '../resource/reading-context.ts'
import { transactionContext } from '../resource/transaction-context.ts'
import type { Tenant } from '../tenancy/tenant.ts'

/** A principal that has entered a tenant, and the request on whose account it is there. */
export interface Entered {
  readonly principal: Principal
  readonly tenant: Tenant
  readonly requestId: string
  /** W3C, of the request that asked. */
  readonly traceparent?: string
}

/** One transaction in its name: of the runtime login, or of `plinth_system` where it is the platform itself. */
export function asPrincipal<T>(
  platform: Platform,
  entered: Entered,
  work: (context: Context, transaction: Transaction) => Promise<T>,
  place?: TransactionPlace,
): Promise<T> {
  const { database } = platform
  const scope = scopeOf(platform, entered)
  const run = (transaction: Transaction): Promise<T> =>
    work(transactionContext({ platform, scope, transaction, ...entered }), transaction)
  return entered.principal.kind === 'system'
    ? database.systemTransaction(scope, run, place)
    : database.transaction(scope, run, place)
}

/** In a transaction that is on for the same principal in the same tenant, on the account of another request. */
export function besides(
  platform: Platform,
  entered: Entered,
  transaction: Transaction,
): { readonly context: Context; readonly transaction: Transaction } {
  const scope = scopeOf(platform, entered)
  const own = transaction.within(scope)
  return { context: transactionContext({ platform, scope, transaction: own, ...entered }), transaction: own }
}

/** What it may read, without a transaction. */
export function readingAs(platform: Platform, entered: Entered): ReadingContext {
  const scope = scopeOf(platform, entered)
  return readingContext({ platform, scope, session: platform.database.session(scope), ...entered })
}
