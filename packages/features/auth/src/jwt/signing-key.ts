import { createPrivateKey, createPublicKey, hash, type KeyObject } from 'node:crypto'

/** RFC 7518 §3.1 and RFC 8037. RS256 is the default, since every client of a JWKS reads it. */
export const signingAlgorithms = ['RS256', 'ES256', 'EdDSA'] as const
export type SigningAlgorithm = (typeof signingAlgorithms)[number]

/** A public key as RFC 7517 writes it, with what it is for. */
export interface PublicJwk {
  readonly kty: string
  readonly use: 'sig'
  readonly alg: SigningAlgorithm
  /** RFC 7638: SHA-256 over the members that make the key, base64url, 43 characters. */
  readonly kid: string
  readonly n?: string
  readonly e?: string
  readonly crv?: string
  readonly x?: string
  readonly y?: string
}

/** A key that signs access tokens. Its algorithm follows from the key; nothing in a token chooses one (RFC 8725 §3.1). */
export interface SigningKey {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly jwk: PublicJwk
}

/** What makes a public key, in the order in which RFC 7638 hashes it; nothing else of a JWK is ever copied. */
const thumbprintMembers = {
  RS256: ['e', 'kty', 'n'],
  ES256: ['crv', 'kty', 'x', 'y'],
  EdDSA: ['crv', 'kty', 'x'],
} as const

const minimumRsaBits = 2048
const pkcs8 = /^-----BEGIN PRIVATE KEY-----[A-Za-z0-9+/=\s]+-----END PRIVATE KEY-----$/

/**
 * Reads one private key: PEM in PKCS#8 (RFC 5958), or a KeyObject. RSA from 2048 bits makes RS256, P-256 ES256, Ed25519 EdDSA.
 * @returns the key, or in words what is wrong with it; the words hold nothing of the key
 */
export function readSigningKey(given: string | KeyObject): SigningKey | string {
  let privateKey: KeyObject
  try {
    privateKey = typeof given === 'string' ? fromPem(given) : given
  } catch {
    // The message of OpenSSL is about its own decoders, and helps nobody.
    return 'is no private key in PKCS#8 PEM without a passphrase'
  }
  if (privateKey.type !== 'private') return `is a ${privateKey.type} key, a private one is needed`
  const algorithm = algorithmOf(privateKey)
  if (typeof algorithm === 'object') return algorithm.problem
  const publicKey = createPublicKey(privateKey)
  const exported = publicKey.export({ format: 'jwk' })
  const members = Object.fromEntries(thumbprintMembers[algorithm].map((name) => [name, String(exported[name])]))
  const kid = hash('sha256', JSON.stringify(members), 'base64url')
  return {
    kid,
    algorithm,
    privateKey,
    publicKey,
    jwk: { kty: String(exported.kty), use: 'sig', alg: algorithm, kid, ...members },
  }
}

function fromPem(pem: string): KeyObject {
  // createPrivateKey reads the first block and is silent about what follows: two keys in a file would be one.
  if (!pkcs8.test(pem.trim())) throw new TypeError('no PKCS#8')
  return createPrivateKey(pem)
}

function algorithmOf(key: KeyObject): SigningAlgorithm | { readonly problem: string } {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA'
  if (key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return 'ES256'
  if (key.asymmetricKeyType === 'rsa' && modulusLength !== undefined)
    return modulusLength >= minimumRsaBits
      ? 'RS256'
      : { problem: `is an RSA key of ${modulusLength} bits; at least ${minimumRsaBits} are needed` }
  const kind = namedCurve ?? key.asymmetricKeyType ?? 'unknown'
  return { problem: `is a key of the kind ${kind}; RSA, P-256 and Ed25519 are accepted` }
}
