import { isRandomToken, randomToken } from '@plinth/core'

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

/** 256 random bits behind the prefix. */
export function makeToken(kind: TokenKind): string {
  return randomToken(prefixes[kind])
}

/** Has it the form of such a token? Total: whatever a request holds. */
export function isTokenOf(kind: TokenKind, token: string): boolean {
  return isRandomToken(prefixes[kind], token)
}
