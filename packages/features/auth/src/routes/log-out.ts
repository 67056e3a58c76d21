import { auditedSystem, emptyAnswer, SESSION_COOKIE, setCookie, type PersonalRoute } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { endSessions } from '../sessions/end-session.ts'
import { noContent, personalAuth } from './route-facts.ts'

/** `POST /auth/logout`: ends the session of the credential that was shown. */
export function logOut(auth: () => Auth): PersonalRoute {
  return {
    ...personalAuth,
    method: 'POST',
    path: '/api/v1/auth/logout',
    operationId: 'logOut',
    summary: 'End this session',
    errors: [],
    answers: [noContent],
    async handle(call) {
      const parts = auth()
      const { principal, client } = call
      const { id, credential } = principal.session!
      await auditedSystem(
        call,
        (system) => endSessions(parts, system, { userId: principal.id, id, by: 'signed out' }),
        () => ({ action: 'session.ended', target: id }),
      )
      parts.sessions.forget()
      const cookies =
        credential === 'cookie' ? [setCookie(SESSION_COOKIE, '', { secure: client.secure, maxAge: 0 })] : []
      return { ...emptyAnswer(204), cookies }
    },
  }
}
