import { hash, randomBytes } from 'node:crypto'

const secretLength = 43

/**
 * 256 random bits behind a prefix: nobody guesses one, so their hash needs neither salt nor slowness.
 * @param prefix says what it is for (`rst_`): one that is shown at another's door is refused before anything is asked, and scanners of
 *   source code recognise it
 */
export function randomToken(prefix: string): string {
  return `${prefix}${randomBytes(32).toString('base64url')}`
}

/** Has it the form of such a token? Total: whatever a request holds. */
export function isRandomToken(prefix: string, token: string): boolean {
  return token.length === prefix.length + secretLength && token.startsWith(prefix) && /^[A-Za-z0-9_-]+$/.test(token)
}

/** What is stored: SHA-256, base64url. A dump of the database holds no token. */
export function hashToken(token: string): string {
  return hash('sha256', token, 'base64url')
}
