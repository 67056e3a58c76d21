import type { PrincipalKind } from '../auth/principal.ts'
import type { Client } from '../client/client.ts'
import type { WrittenChanges } from '../feature/record.ts'
import type { StatementRunner } from './database.ts'

/** Who did it; `anonymous` where nobody showed who he is (a failed sign-in). */
export interface AuditActor {
  readonly kind: PrincipalKind | 'anonymous'
  /** Empty for `anonymous`. */
  readonly id: string
}

/** How it ended: `denied` where he may not, `failed` where it went wrong. */
export type AuditOutcome = 'success' | 'denied' | 'failed'

/** An entry that no generated write and no event stands for: a sign-in, a change of a password, an export, a denial. */
export interface AuditDraft {
  /** The tenant in which it was done; null for the chain of the platform. */
  readonly tenantId: string | null
  readonly actor: AuditActor
  /** Id of the user for whom the actor acts. */
  readonly onBehalfOf?: string | null | undefined
  /** `session.created`: a noun, a dot, and what happened to it. */
  readonly action: string
  /** Id of what it was done to; its kind is the noun of the action. */
  readonly target?: string | null | undefined
  readonly outcome?: AuditOutcome
  readonly requestId: string
  /** Where from. Address and user agent are personal: they are encrypted before anybody reads the entry. */
  readonly client?: Pick<Client, 'address' | 'userAgent'> | undefined
  readonly time: Date
  /** What else there is to say, without secrets and without personal data: these words stay for ever. */
  readonly detail?: Readonly<Record<string, string | number | boolean | null | readonly string[]>> | undefined
  /** What changed. Values of secrets are not among it; personal ones are encrypted under a key of the target. */
  readonly changes?: WrittenChanges | undefined
}

/** The port behind which entries are kept. Without a feature that fills it nothing is written. */
export interface Audit {
  /**
   * Writes an entry in the caller's transaction: what is rolled back leaves none, and what cannot be recorded does not happen.
   * @param runner a transaction of the system, or of the tenant: there of what its own principal did, with the outcome `success`
   * @throws record_failed
   */
  record(runner: StatementRunner, draft: AuditDraft): Promise<void>
  /**
   * Tells of what did not happen, in a short transaction of its own after the answer. A few a minute of each actor and action are
   * entries; the others are counted in one. Never throws.
   */
  refused(draft: AuditDraft & { readonly outcome: 'denied' | 'failed' }): void
}
