// Access tokens and their keys.
export { makeSigningKey } from './jwt/make-signing-key.ts'
export type { MakeSigningKeyOptions } from './jwt/make-signing-key.ts'
export type { SigningAlgorithm } from './jwt/signing-key.ts'
