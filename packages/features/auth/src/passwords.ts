import { problem, type Logger } from '@plinth/core'
import { hashPassword } from './password/hash-password.ts'
import { passwordPolicy, type PasswordPolicy, type PasswordPolicyOptions } from './password/password-policy.ts'
import { verifyPassword, type ImportedHash, type Verified } from './password/verify-password.ts'

/** Whose password it is to be: it must not be made of what everybody knows of him. */
export interface PasswordOf {
  readonly email?: string | null | undefined
  readonly username?: string | null | undefined
  readonly name?: string | undefined
  readonly secondFactor?: boolean
  /** Where the password stood in the input. */
  readonly path: string
}

export interface PasswordsOptions extends PasswordPolicyOptions {
  /** Hashes of another system that are still accepted, and replaced at the next sign-in. */
  readonly imported?: readonly ImportedHash[]
}

/** Judging, hashing and comparing passwords, as the options say. */
export class Passwords {
  readonly policy: PasswordPolicy
  readonly #imported: readonly ImportedHash[]

  constructor(options: PasswordsOptions, log: Logger) {
    this.policy = passwordPolicy(options, log)
    this.#imported = options.imported ?? []
  }

  /** @throws validation_failed with all that is wrong with it */
  async refuseWeak(password: string, { path, email, username, name, secondFactor }: PasswordOf): Promise<void> {
    const owner = {
      ...(email != null && { email }),
      ...(username != null && { username }),
      ...(name !== undefined && { name }),
      hasSecondFactor: secondFactor ?? false,
    }
    const errors = await this.policy.faultsOf(password, owner, path)
    if (errors.length > 0) throw problem('validation_failed', { errors })
  }

  /** @throws validation_failed, unavailable */
  hash(password: string): Promise<string> {
    return hashPassword(password)
  }

  /** @param stored null where there is none: takes as long, and says no */
  verify(password: string, stored: string | null): Promise<Verified> {
    return verifyPassword(password, stored ?? undefined, { imported: this.#imported })
  }
}
