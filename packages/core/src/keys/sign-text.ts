import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto'
import { subkey } from './derive-key.ts'
import type { KeyRing } from './key-ring.ts'
import { utf8 } from './utf8.ts'

/**
 * HMAC-SHA256, cut to 128 bits, by the first key of the ring.
 * @param purpose a constant of 1 to 200 characters; a signature for one purpose is worth nothing for another
 * @returns `<kid>.<22 characters of base64url>`
 * @throws RangeError on a lone surrogate in the text
 */
export function sign(ring: KeyRing, purpose: string, text: string): string {
  const { kid, key } = ring.keys[0]
  return `${kid}.${mac(key, purpose, text)}`
}

/** Whether `signature` was made by {@link sign} with a key that is still in the ring. Never throws on foreign input. */
export function verify(ring: KeyRing, purpose: string, text: string, signature: string): boolean {
  const at = signature.indexOf('.')
  const found = ring.keys.find((one) => one.kid === signature.slice(0, at))
  if (!found || /\p{Surrogate}/u.test(text)) return false
  // The texts are compared, not their decoded bytes: base64 leaves four bits over in 22 characters, so that 16 spellings of
  // the last one would pass. Time tells the length only, which is public.
  const expected = Buffer.from(mac(found.key, purpose, text))
  const given = Buffer.from(signature.slice(at + 1))
  return expected.length === given.length && timingSafeEqual(expected, given)
}

function mac(key: KeyObject, purpose: string, text: string): string {
  return createHmac('sha256', subkey(key, 'sign', purpose))
    .update(utf8(text))
    .digest()
    .subarray(0, 16)
    .toString('base64url')
}
