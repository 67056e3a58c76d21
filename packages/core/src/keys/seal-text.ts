import { createCipheriv, createDecipheriv, createHmac, createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { subkey } from './derive-key.ts'
import type { KeyRing } from './key-ring.ts'
import { utf8 } from './utf8.ts'

/** Why something sealed does not open. `not_authentic`: changed, or sealed by another key or for another context. */
export type SealFault = 'malformed' | 'unknown_key' | 'not_authentic'

export class SealError extends Error {
  override readonly name = 'SealError'
  readonly reason: SealFault

  constructor(reason: SealFault, message: string) {
    super(message)
    this.reason = reason
  }
}

const algorithm = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16
const shape = /^s1\.([A-Za-z0-9_-]{1,16})\.([A-Za-z0-9_-]{38,})$/

/**
 * AES-256-GCM under the first key of the ring.
 * @param context whom and what it is for (tenant, table, id): bound to the result, so that an answer sealed for one tenant,
 *   moved into another one's row, does not open. Not secret, not stored.
 * @returns `s1.<kid>.<base64url of nonce, ciphertext and tag>`: 47 characters and 4/3 of the text's bytes
 * @throws RangeError on a lone surrogate
 */
export function sealText(ring: KeyRing, plaintext: string, context: string): string {
  const { kid, key } = ring.keys[0]
  const header = `s1.${kid}.`
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, keyFor(key, context), nonce, { authTagLength: tagBytes })
  cipher.setAAD(utf8(header + context))
  const sealed = Buffer.concat([nonce, cipher.update(utf8(plaintext)), cipher.final(), cipher.getAuthTag()])
  return header + sealed.toString('base64url')
}

/**
 * Opens what {@link sealText} made, by the key that is named in it.
 * @throws SealError
 */
export function openText(ring: KeyRing, sealed: string, context: string): string {
  const [, kid, body] = shape.exec(sealed) ?? []
  if (kid === undefined || body === undefined) throw new SealError('malformed', 'this is nothing sealed')
  const bytes = Buffer.from(body, 'base64url')
  // Base64 leaves up to four bits over: without this, several texts would be one sealed value.
  if (bytes.toString('base64url') !== body) throw new SealError('malformed', 'this is nothing sealed')
  const found = ring.keys.find((one) => one.kid === kid)
  if (!found)
    throw new SealError('unknown_key', `sealed by key '${kid}', which SECRET_KEYS no longer holds: append it again`)
  const decipher = createDecipheriv(algorithm, keyFor(found.key, context), bytes.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  })
  decipher.setAAD(utf8(`s1.${kid}.${context}`))
  decipher.setAuthTag(bytes.subarray(-tagBytes))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]).toString('utf8')
  } catch {
    throw new SealError('not_authentic', `does not open with key '${kid}': changed, or sealed for another context`)
  }
}

/**
 * Each context has its own key. With one key for all, random 96-bit nonces are good for 2^32 texts (NIST SP 800-38D, 8.3),
 * which at 5,800 sealed answers a second is nine days. As a KeyObject: with the bytes themselves a cipher of Node 24 takes 31 µs to begin, and
 * not 5.
 */
function keyFor(key: KeyObject, context: string): KeyObject {
  return createSecretKey(
    createHmac('sha256', subkey(key, 'seal', 'text'))
      .update(utf8(context))
      .digest(),
  )
}
