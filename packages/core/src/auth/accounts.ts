import type { Platform } from '../platform/platform.ts'
import type { SystemTransaction } from '../ports/database.ts'

/** What makes a user. */
export interface AccountDraft {
  readonly email: string | null
  readonly username?: string | null
  readonly name?: string
  /** As it was typed; without one the account is entered by a link that is sent. */
  readonly password?: string
  readonly emailVerified?: boolean
}

/** What is global about a user. */
export interface AccountChange {
  readonly email?: string
  readonly username?: string | null
  readonly name?: string
  readonly password?: string
}

/**
 * The accounts behind users, for features that make or change them (members, provisioning). Filled by `auth()`. What is slow
 * (hashing) and what may refuse (the rules for passwords) happens in `prepare`, outside of the transaction.
 */
export interface Accounts {
  /**
   * @param path where the fields stood in the input, for faults: `''` or `/user`
   * @returns what writes it, in the caller's transaction
   * @throws validation_failed
   */
  prepare(platform: Platform, draft: AccountDraft, path?: string): Promise<PreparedAccount>
  /** @throws validation_failed */
  prepareChange(platform: Platform, change: AccountChange, path?: string): Promise<PreparedChange>
}

export interface PreparedAccount {
  /** @returns the new user's id, or `taken` where the e-mail address or the user name is somebody's */
  create(system: SystemTransaction): Promise<{ readonly userId: string } | { readonly taken: 'email' | 'username' }>
}

export interface PreparedChange {
  /** A new password or address ends all sessions of the user. @returns false where there is no such user */
  apply(system: SystemTransaction, userId: string): Promise<boolean | { readonly taken: 'email' | 'username' }>
  /** After the transaction, where it was applied: tells whoever has the account. */
  announce(): void
}
