import { createSecretKey, type KeyObject } from 'node:crypto'
import { StartupError } from '../errors/startup-error.ts'

/** One key. Its bytes are in a KeyObject, which prints and serialises as nothing: a logged key ring shows its names. */
export interface RingKey {
  readonly kid: string
  readonly key: KeyObject
}

/** Keys by age: the first one seals and signs, the others open and verify what they made before. Never empty. */
export interface KeyRing {
  readonly keys: readonly [RingKey, ...RingKey[]]
}

const keyBytes = 32
const kidShape = /^[A-Za-z0-9_-]{1,16}$/

/** The fix of a missing key: a command for every shell that prints the line for the environment. */
export const keyCommand = `set what this prints: node -e "console.log('SECRET_KEYS=k1:' + require('node:crypto').randomBytes(32).toString('base64'))"`

/**
 * Reads `kid:base64,…`: 32 bytes each, kid of 1 to 16 letters, digits, `_` or `-`.
 * @throws StartupError with every fault; none shows a key
 */
export function parseKeyRing(text: string, path = 'SECRET_KEYS'): KeyRing {
  const { ring, problems } = readKeyRing(text)
  if (ring) return ring
  throw new StartupError(problems.map((problem) => ({ path, problem, fix: keyCommand })))
}

/** As {@link parseKeyRing}, for callers that collect: the ring, or what is wrong with the text. */
export function readKeyRing(text: string): { readonly ring?: KeyRing; readonly problems: readonly string[] } {
  const problems: string[] = []
  const keys: RingKey[] = []
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
  entries.forEach((entry, index) => {
    const result = readEntry(entry, `key ${index + 1}`)
    if (typeof result === 'string') problems.push(result)
    else if (keys.some(({ kid }) => kid === result.kid)) problems.push(`the name '${result.kid}' is given twice`)
    else if (keys.some(({ key }) => key.equals(result.key)))
      problems.push(`key ${index + 1} is the same as one before it`)
    else keys.push(result)
  })
  if (entries.length === 0) problems.push('holds no key')
  const [first, ...others] = keys
  return first && problems.length === 0
    ? { ring: Object.freeze({ keys: Object.freeze([first, ...others] as const) }), problems }
    : { problems }
}

function readEntry(entry: string, which: string): RingKey | string {
  const at = entry.indexOf(':')
  const kid = entry.slice(0, at)
  // The name is not quoted: without a colon, or with the two sides swapped, it is the key.
  if (at < 0 || !kidShape.test(kid))
    return `${which} has no name of 1 to 16 letters, digits, _ or - and a colon before its base64`
  const bytes = decode(entry.slice(at + 1))
  if (!bytes) return `${which} is not base64`
  if (bytes.length !== keyBytes) {
    const hex = /^[0-9a-f]+$/i.test(entry.slice(at + 1)) ? '; it looks like hex, base64 is needed' : ''
    return `${which} has ${bytes.length} bytes instead of ${keyBytes}${hex}`
  }
  // Of 32 random bytes, fewer than 16 differ less than once in 10^15: what has so few was typed or copied from a page.
  if (new Set(bytes).size < 16) return `${which} is not random`
  return { kid, key: createSecretKey(bytes) }
}

/** Strict, since Buffer drops what it does not know: a key cut or mistyped would quietly be another key. */
function decode(text: string): Buffer | undefined {
  const plain = text
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .replace(/={1,2}$/, '')
  if (!/^[A-Za-z0-9+/]+$/.test(plain)) return undefined
  const bytes = Buffer.from(plain, 'base64')
  return bytes.toString('base64').replace(/=+$/, '') === plain ? bytes : undefined
}
