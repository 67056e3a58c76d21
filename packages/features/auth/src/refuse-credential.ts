import { problem } from '@plinth/core'
import type { Auth } from './auth-parts.ts'
import { authEvents } from './log-events.ts'

/** The reason is for the log; whoever shows a wrong credential learns that it is wrong. */
export function refuseCredential({ platform }: Pick<Auth, 'platform'>, reason: string): Error {
  platform.log.debug(authEvents.credentialRefused, { reason })
  return problem('invalid_credential', { headers: { 'www-authenticate': 'Bearer error="invalid_token"' } })
}
