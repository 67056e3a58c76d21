// What a product writes.
export { auth } from './auth.ts'
export type { AuthOptions, Registration } from './options.ts'
export type { PasskeysOptions } from './passkeys/relying-party.ts'
export type { PasswordsOptions } from './passwords.ts'
export { authErrors } from './errors.ts'
export type { AuthErrorCode } from './errors.ts'

// Access tokens and their keys.
export { makeSigningKey } from './jwt/make-signing-key.ts'
export type { MakeSigningKeyOptions } from './jwt/make-signing-key.ts'
export type { SigningAlgorithm } from './jwt/signing-key.ts'

// For what belongs to one of them: belongsTo(() => serviceAccounts).
export { serviceAccounts } from './tables.ts'

// Passwords.
export { hashPassword } from './password/hash-password.ts'
export { HashQueue } from './password/hash-queue.ts'
export { hibpRange } from './password/breach-check.ts'
export { passwordPolicy } from './password/password-policy.ts'
export { verifyPassword } from './password/verify-password.ts'
export type { BreachCheck, HibpRangeOptions } from './password/breach-check.ts'
export type { HashCost } from './password/hash-cost.ts'
export type { PasswordOwner, PasswordPolicy, PasswordPolicyOptions } from './password/password-policy.ts'
export type { ImportedHash, Verified, VerifyOptions } from './password/verify-password.ts'
