import { csrfToken, SESSION_COOKIE, setCookie, type Answer, type Client } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'

/** The new cookie of a session that goes on, and the CSRF token that belongs to it in `X-CSRF-Token`. */
export function renewedCookie(
  { platform, options }: Auth,
  secret: string,
  { secure }: Client,
): Pick<Answer, 'headers'> & Required<Pick<Answer, 'cookies'>> {
  return {
    headers: { 'cache-control': 'no-store', 'x-csrf-token': csrfToken(platform, secret) },
    cookies: [setCookie(SESSION_COOKIE, secret, { secure, maxAge: options.sessions.absoluteSeconds })],
  }
}
