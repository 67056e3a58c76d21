import type { Platform } from '../platform/platform.ts'
import type { SystemTransaction } from '../ports/database.ts'
import type { Tenant } from './tenant.ts'

/** A tenant as one of its members sees it in a list of his own. */
export interface OwnTenant extends Tenant {
  readonly standing: 'active' | 'suspended'
  readonly roles: readonly string[]
}

/** Somebody who has just been made a user, in the transaction that makes him. */
export interface Newcomer {
  readonly userId: string
  readonly email: string | null
  /** Whether the address is proven to be his: only then may its domain open a door. */
  readonly emailVerified: boolean
  readonly name: string
  /** Founds a tenant of this name where the directory lets people do that. */
  readonly organizationName?: string | undefined
  readonly invitationToken?: string | undefined
}

/**
 * Which users belong to which tenants: what identity needs to know of tenancy. Filled by `tenants()`, or by `singleTenant()`,
 * whose one tenant everybody joins.
 */
export interface Directory {
  /** The tenants of a user, in the order in which he would choose: for signing in, switching and `/auth/me`. */
  tenantsOf(platform: Platform, userId: string): Promise<readonly OwnTenant[]>
  /**
   * Gives a newcomer his first tenant: the one that invited him, whose verified domain his address has, or a new one. Undefined
   * where there is none for him. An invitation that was sent to his address proves that it is his: it is verified then.
   * @throws invitation_invalid
   */
  admit(platform: Platform, system: SystemTransaction, newcomer: Newcomer): Promise<Tenant | undefined>
  /**
   * Whether `admit` would take this invitation of somebody with this address; uses nothing up. Asked before there is an account, and
   * before anything is said of one. Absent where nobody is invited.
   * @throws invitation_invalid
   */
  verifyInvitation?(platform: Platform, invitation: { readonly token: string; readonly email: string }): Promise<void>
}
