import { createHash } from 'node:crypto'
import { problem } from '../errors/plinth-error.ts'
import type { Received } from '../pipeline/request.ts'
import type { Platform } from '../platform/platform.ts'

const safe = new Set(['GET', 'HEAD', 'OPTIONS'])
const PURPOSE = 'csrf'

/**
 * The token that a form of this session carries. Made from the cookie and the platform's keys: nothing is stored, another session's
 * token is worth nothing, and a page of another site can read neither.
 */
export function csrfToken(platform: Pick<Platform, 'secrets'>, cookie: string): string {
  return platform.secrets.sign(PURPOSE, digest(cookie))
}

/**
 * Cookies are sent by the browser, whoever made it send them. What changes something must therefore come from a page of ours, by its
 * Origin, and show what only such a page could read.
 * @param form the token where it came as a field of a form
 * @throws csrf_failed
 */
export function refuseForgery(
  platform: Pick<Platform, 'publicUrl' | 'cors' | 'secrets'>,
  received: Pick<Received, 'method' | 'headers' | 'client'>,
  cookie: string,
  form?: string,
): void {
  if (safe.has(received.method)) return
  refuseForeignOrigin(platform, received)
  const token = received.headers['x-csrf-token'] ?? form
  if (token === undefined || !platform.secrets.verify(PURPOSE, digest(cookie), token))
    throw problem('csrf_failed', { detail: 'The header X-CSRF-Token is missing or belongs to another session.' })
}

/**
 * `Origin: null` is what a sandboxed frame and some redirects send: no origin of ours. Pages that CORS_ALLOW_CREDENTIALS lets use the
 * cookie are ours as well.
 * @throws csrf_failed
 */
function refuseForeignOrigin(
  platform: Pick<Platform, 'publicUrl' | 'cors'>,
  { headers, client }: Pick<Received, 'headers' | 'client'>,
): void {
  const { origin } = headers
  const own = platform.publicUrl ?? `${client.secure ? 'https' : 'http'}://${headers.host ?? ''}`
  const { cors } = platform
  const same =
    origin === undefined
      ? headers['sec-fetch-site'] === 'same-origin'
      : origin === own || (cors.credentials && cors.origins.has(origin))
  if (!same) throw problem('csrf_failed', { detail: 'The request does not come from a page of this service.' })
}

/** The cookie itself is kept out of everything that is signed. */
function digest(cookie: string): string {
  return createHash('sha256').update(cookie).digest('base64url')
}
