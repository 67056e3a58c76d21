import type { PublicJwk } from './signing-key.ts'
import type { SigningKeys } from './signing-keys.ts'

/** The media type of a key set (RFC 7517 §8.5.2). */
export const jwksMediaType = 'application/jwk-set+json'

export interface Jwks {
  readonly keys: readonly PublicJwk[]
}

/** The public keys as RFC 7517 §5 writes them, the signing one first. No private member is ever copied from a key. */
export function jwks(keys: SigningKeys): Jwks {
  return { keys: keys.all().map(({ jwk }) => jwk) }
}

/** `Cache-Control` of the key set: kept for less time than passes between a key's publication and its first signature. */
export function jwksCacheControl(keys: SigningKeys): string {
  return `public, max-age=${keys.jwksMaxAge}, must-revalidate`
}
