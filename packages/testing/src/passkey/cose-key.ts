import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { encodeCBOR } from '@levischuck/tiny-cbor'

export type PasskeyAlgorithm = 'ES256' | 'EdDSA' | 'RS256'

export interface PasskeyKeys {
  readonly privateKey: KeyObject
  /** The public half as COSE_Key (RFC 9052 §7). */
  readonly coseKey: Uint8Array
}

/** Labels and values of RFC 9053: key type 1, algorithm 3, and below zero what the key type has. */
export function makeKeyPair(algorithm: PasskeyAlgorithm): PasskeyKeys {
  const { privateKey, publicKey } = pairOf(algorithm)
  const jwk = publicKey.export({ format: 'jwk' })
  const bytes = (part: unknown): Uint8Array => Uint8Array.from(Buffer.from(String(part), 'base64url'))
  const entries: Record<PasskeyAlgorithm, [number, number | Uint8Array][]> = {
    ES256: [
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, bytes(jwk.x)],
      [-3, bytes(jwk.y)],
    ],
    EdDSA: [
      [1, 1],
      [3, -8],
      [-1, 6],
      [-2, bytes(jwk.x)],
    ],
    RS256: [
      [1, 3],
      [3, -257],
      [-1, bytes(jwk.n)],
      [-2, bytes(jwk.e)],
    ],
  }
  return { privateKey, coseKey: encodeCBOR(new Map(entries[algorithm])) }
}

function pairOf(algorithm: PasskeyAlgorithm): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' })
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519')
  return generateKeyPairSync('rsa', { modulusLength: 2048 })
}
