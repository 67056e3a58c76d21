import { hash, randomBytes } from 'node:crypto'

/**
 * Random tokens say by their beginning what they are for: one that is shown at another's door is refused before anything is asked,
 * and scanners of source code recognise it.
 */
const prefixes = {
  /** The cookie of a browser's session. */
  session: 'ses_',
  refresh: 'rft_',
  /** A sign-in that waits for its second factor. */
  mfa: 'mfa_',
  /** A passkey is being asked for. */
  passkey: 'pky_',
  /** In a link: a new password. */
  reset: 'rst_',
  /** In a link: an address is confirmed. */
  verify: 'vrf_',
  /** Makes the first operator. */
  bootstrap: 'btp_',
} as const

export type TokenKind = keyof typeof prefixes

const secretLength = 43

/** 256 random bits: nobody guesses one, so their hash needs neither salt nor slowness. */
export function makeToken(kind: TokenKind): string {
  return `${prefixes[kind]}${randomBytes(32).toString('base64url')}`
}

/** Has it the form of such a token? Total: whatever a request holds. */
export function isTokenOf(kind: TokenKind, token: string): boolean {
  const prefix = prefixes[kind]
  return token.length === prefix.length + secretLength && token.startsWith(prefix) && /^[A-Za-z0-9_-]+$/.test(token)
}

/** What is stored: SHA-256, base64url. A dump of the database holds no token. */
export function hashToken(token: string): string {
  return hash('sha256', token, 'base64url')
}
