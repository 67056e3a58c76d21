import type { Client } from '../client/client.ts'
import type { Principal } from '../auth/principal.ts'
import type { Condition } from '../condition/condition.ts'
import type { Platform } from '../platform/platform.ts'
import type { Scope, Session, SystemTransaction, Transaction } from '../ports/database.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { TextAnswer } from './answer.ts'
import type { InTenant } from './tenant.ts'

/** What a public route works with: no principal, no tenant, no data. */
export interface PublicCall {
  readonly platform: Platform
  readonly headers: Readonly<Record<string, string>>
  readonly parameters: Readonly<Record<string, string>>
  /** Raw query, without the question mark. */
  readonly search: string
  /** The parsed JSON body, not validated; undefined where the route has none. */
  readonly body: unknown
  readonly client: Client
  readonly requestId: string
}

/** What a personal route works with: who asks and, where the route says so, in which tenant. */
export interface PersonalCall extends PublicCall {
  readonly principal: Principal
  /** Null where the route is not about a tenant. */
  readonly tenant: Tenant | null
  /** In whose name statements run; null where the route is not about a tenant. */
  readonly scope: Scope | null
  /** Aborted where the host tells that the caller hung up before he had his answer. */
  readonly signal: AbortSignal
  /** As {@link Call.transact}, for routes that are about a tenant; the others have their own ways to the database. */
  transact(work: (transaction: Transaction) => Promise<TextAnswer>): Promise<TextAnswer>
  /** As {@link Call.transactAsSystem}, for routes that are about a tenant. */
  readonly transactAsSystem: TransactAsSystem
  /**
   * Whether he may still: credential, tenant and rights are looked up again. For answers that outlast a request.
   * @throws as at the beginning of a request
   */
  renew(): Promise<void>
}

/**
 * A transaction of `plinth_system`, for what the runtime login may not write (members, users, invitations). The second argument is
 * the same transaction in the request's tenant; the idempotency key is claimed and its answer kept in it. A row that a statement of
 * the first one means is named with its tenant: no policy does that for it.
 */
export type TransactAsSystem = (
  work: (system: SystemTransaction, transaction: Transaction) => Promise<TextAnswer>,
) => Promise<TextAnswer>

/** What a guarded route works with, after every check that does not need the row. */
export interface Call {
  readonly platform: Platform
  readonly request: InTenant
  readonly scope: Scope
  readonly parameters: Readonly<Record<string, string>>
  /** Raw query, without the question mark. */
  readonly search: string
  readonly headers: Readonly<Record<string, string>>
  /** The parsed JSON body; undefined where the route has none. */
  readonly body: unknown
  readonly visible: Condition
  readonly allowed: Condition
  /**
   * What may be seen now, and by whom: credential, tenant and rights are looked up again. For answers that outlast a request.
   * @throws as at the beginning of a request
   */
  renew(): Promise<Pick<Call, 'visible' | 'session'> & { readonly principal: Principal }>
  /** For reads: each call is one statement. */
  readonly session: Session
  /**
   * For writes of one statement. Without an idempotency key the statement is its own transaction; with one, the key is
   * claimed, the work done and the answer kept in one. Only text can be kept, so only text compiles here.
   */
  write(work: (session: Session) => Promise<TextAnswer>): Promise<TextAnswer>
  /** For writes that need several statements: always one transaction, with the idempotency key in it. */
  transact(work: (transaction: Transaction) => Promise<TextAnswer>): Promise<TextAnswer>
  /** For writes that the runtime login may not make. */
  readonly transactAsSystem: TransactAsSystem
  /** The kept answer of this request's idempotency key, for work that is too slow to hold a transaction open. */
  replay(): Promise<TextAnswer | undefined>
}
