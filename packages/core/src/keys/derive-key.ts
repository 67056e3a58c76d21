import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import type { KeyRing } from './key-ring.ts'

/** What a derived key is used for; part of the derivation, so that no two uses ever share a key. */
export type KeyUse = 'seal' | 'sign' | 'derive'

// HKDF costs 10 µs; a signature 3. Purposes are constants of the code; the bound is for the day when one is not.
const cached = new WeakMap<KeyObject, Map<string, KeyObject>>()
const cachedPurposes = 256

/** HKDF-SHA256 (RFC 5869), no salt: the key of the ring is uniformly random already. @returns 32 bytes */
export function subkey(key: KeyObject, use: KeyUse, purpose: string): KeyObject {
  if (purpose === '' || purpose.length > 200) throw new RangeError('a purpose has 1 to 200 characters')
  const info = `plinth/1/${use}/${purpose}`
  let known = cached.get(key)
  if (!known) cached.set(key, (known = new Map()))
  const present = known.get(info)
  if (present) return present
  const derived = createSecretKey(Buffer.from(hkdfSync('sha256', key, '', info, 32)))
  if (known.size >= cachedPurposes) known.clear()
  known.set(info, derived)
  return derived
}

/**
 * A key of its own for one purpose outside this folder (HMAC of e-mail addresses, CSRF tokens). It belongs to the first key
 * of the ring and changes with it, unless another `kid` is named.
 * @param purpose a constant, 1 to 200 characters
 * @returns 32 bytes as KeyObject
 * @throws RangeError where the ring has no such `kid`
 */
export function deriveKey(ring: KeyRing, purpose: string, kid: string = ring.keys[0].kid): KeyObject {
  const found = ring.keys.find((one) => one.kid === kid)
  if (!found) throw new RangeError(`no key '${kid}' in the ring`)
  return subkey(found.key, 'derive', purpose)
}
