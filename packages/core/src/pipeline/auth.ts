import type { Asking, Credential, Principal } from '../auth/principal.ts'
import { refuseForgery } from '../auth/csrf.ts'
import { problem } from '../errors/plinth-error.ts'
import type { Platform } from '../platform/platform.ts'
import type { GuardedRoute, PersonalRoute } from '../routes/route.ts'
import { sessionCookie } from '../auth/cookies.ts'
import type { Admitted, Received } from './request.ts'

/** A request whose asker is known. */
export interface Authenticated<R extends GuardedRoute | PersonalRoute = GuardedRoute> extends Admitted {
  readonly route: R
  readonly principal: Principal
}

/** @throws unauthenticated, invalid_credential */
export async function authenticate<R extends GuardedRoute | PersonalRoute>(
  platform: Platform,
  admitted: Admitted,
  route: R,
): Promise<Authenticated<R>> {
  return { ...admitted, route, principal: await principalOf(platform, admitted) }
}

/**
 * Credential → principal. Nobody by default: without a reader of credentials every guarded route answers 401. All that is checked
 * of a credential is checked here, since routes of the host come by here as well.
 * @throws unauthenticated, invalid_credential
 */
export async function principalOf(
  platform: Platform,
  received: Pick<Received, 'method' | 'headers' | 'client' | 'requestId'>,
): Promise<Principal> {
  const credential = credentialOf(received, platform)
  if (!credential) throw problem('unauthenticated', { headers: challenge })
  if (credential.kind === 'cookie') refuseForgery(platform, received, credential.value)
  const asking: Asking = { platform, requestId: received.requestId, client: received.client }
  for (const reader of platform.readers) {
    if (!reader.kinds.includes(credential.kind)) continue
    const principal = await reader.read(credential, asking)
    if (principal) return principal
  }
  throw problem('invalid_credential', { headers: challenge })
}

const challenge = { 'www-authenticate': 'Bearer' }

/**
 * The first of bearer token, API key and session cookie that the request shows. Only that one counts: falling back to the
 * next after a wrong one would let an expired token ride on a forgotten cookie.
 */
function credentialOf(
  { headers, client: { secure } }: Pick<Received, 'headers' | 'client'>,
  platform: Platform,
): Credential | undefined {
  const { authorization } = headers
  if (authorization !== undefined) {
    const bearer = /^bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization)
    if (!bearer)
      throw problem('invalid_credential', {
        detail: 'The Authorization header is not "Bearer <token>".',
        headers: challenge,
      })
    return { kind: 'bearer', value: bearer[1]! }
  }
  const apiKey = headers['x-api-key']
  if (apiKey !== undefined) return { kind: 'apiKey', value: apiKey }
  // A cookie of that name may be another application's on the same host; it is a credential only where somebody reads it.
  const session = platform.readers.some((reader) => reader.kinds.includes('cookie'))
    ? sessionCookie(headers.cookie, secure)
    : undefined
  return session === undefined ? undefined : { kind: 'cookie', value: session }
}
