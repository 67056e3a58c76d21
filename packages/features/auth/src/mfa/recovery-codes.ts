import { hash, randomBytes } from 'node:crypto'

/** Crockford's base32: no I, L, O and U, so that none is taken for a digit when it is read from paper. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const length = 16
export const recoveryCodeCount = 10

/**
 * Ten codes for who lost his second factor, each good once: `XXXX-XXXX-XXXX-XXXX`, 80 random bits. Show them once, store
 * {@link hashRecoveryCode} of each.
 *
 * Why 80 bits. Online, tries are limited and 40 would do. Offline, whoever has a dump tries 10^12 SHA-256 a second: 50 bits, the usual
 * ten characters, are gone in a quarter of an hour; 80 bits for one user take 4,000 years, and the user's id in the hash makes
 * him begin again for the next. A key of the ring over shorter codes would do as well until the ring is rotated: codes lie in a
 * drawer for years, and would be dead when their key is gone, just when they are needed.
 */
export function makeRecoveryCodes(): string[] {
  return Array.from({ length: recoveryCodeCount }, () => {
    const marks = Array.from(randomBytes(length), (byte) => alphabet[byte & 31]).join('')
    return marks.match(/.{4}/g)!.join('-')
  })
}

/**
 * What is stored and looked for: SHA-256 of user and code, base64url. Take the code in one statement: `update … set used_at = … where
 * user_id = … and code_hash = … and used_at is null returning …`.
 * @param typed in any case, with or without spaces and dashes, O for 0, I and L for 1
 * @returns undefined where this is no recovery code. Never throws.
 */
export function hashRecoveryCode(userId: string, typed: string): string | undefined {
  const code = normal(typed)
  return code && hash('sha256', `recovery-code ${userId} ${code}`, 'base64url')
}

function normal(typed: string): string | undefined {
  if (typed.length > 64) return undefined
  const marks = typed
    // Word processors and phones put longer dashes and other spaces where somebody typed these.
    .replaceAll(/[\s\p{Pd}\u00ad\u2212\u200b]/gu, '')
  // Before upper case, which makes SS of ß.
  if (!/^[0-9A-TV-Z]{16}$/i.test(marks)) return undefined
  return marks.toUpperCase().replaceAll('O', '0').replaceAll(/[IL]/g, '1')
}
