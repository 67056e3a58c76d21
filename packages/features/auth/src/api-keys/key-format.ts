import { hash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** What is known of a key: what is stored and looked for, and what is shown. */
export interface ReadApiKey {
  /**
   * SHA-256, base64url: 178 random bits need neither salt nor slowness. It is looked for by an index, whose time tells how far
   * two hashes agree and so nothing: whoever can steer SHA-256 towards a stored value has broken it.
   */
  readonly hash: string
  /** The first twelve characters, for lists and logs; 130 bits stay unknown. */
  readonly keyPrefix: string
}

/** A key as it is shown once. */
export interface MadeApiKey extends ReadApiKey {
  readonly key: string
}

const start = 'plk_'
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const secretLength = 30
const checksumLength = 6
const shape = /^plk_[0-9A-Za-z]{36}$/

/**
 * A new key: `plk_`, 30 random characters of base62 (178 bits), and a checksum of six. Scanners of source code find it by
 * `plk_[0-9A-Za-z]{36}` and know by the checksum that it is one; nothing in it is marked off by `-` or `.`, so that a double click
 * selects it whole.
 */
export function makeApiKey(): MadeApiKey {
  const body = start + randomBase62(secretLength)
  const key = body + checksum(body)
  return { key, ...partsOf(key) }
}

/**
 * Reads what was shown as a key. A mistyped or invented one fails here, by its checksum, before the database is asked.
 * The checksum is no secret and is compared as it comes: everybody can compute it.
 * @returns undefined where this is no key. Never throws.
 */
export function readApiKey(text: string): ReadApiKey | undefined {
  if (!shape.test(text) || checksum(text.slice(0, -checksumLength)) !== text.slice(-checksumLength)) return undefined
  return partsOf(text)
}

/** Whether this is meant as an API key, right or wrong: then no other reader of credentials is asked. */
export const looksLikeApiKey = (text: string): boolean => text.startsWith(start)

const partsOf = (key: string): ReadApiKey => ({ hash: hash('sha256', key, 'base64url'), keyPrefix: key.slice(0, 12) })

/** CRC-32 (ISO 3309) of what stands before, in base62, six digits. Over the prefix too, so that it fits no token of another kind. */
function checksum(body: string): string {
  let rest = crc32(body)
  let digits = ''
  for (let at = 0; at < checksumLength; at++) {
    digits = alphabet.charAt(rest % 62) + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}

/** Bytes from 248 on are thrown away: 256 is no multiple of 62, and the first eight characters would come more often. */
function randomBase62(count: number): string {
  let text = ''
  while (text.length < count) {
    for (const byte of randomBytes(count)) if (byte < 248 && text.length < count) text += alphabet.charAt(byte % 62)
  }
  return text
}
