import {
  auditedSystem,
  emptyAnswer,
  problem,
  statement,
  validate,
  type PersonalRoute,
  type SystemTransaction,
} from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import { isByFactor, proofInput, proveHolder } from '../mfa/prove-holder.ts'
import { renewedCookie } from '../sessions/renewed-cookie.ts'
import { renewSecret } from '../sessions/renew-secret.ts'
import { noContent, noStore, personalAuth, provingErrors } from './route-facts.ts'

/**
 * `POST /auth/reauthenticate`: shows again who one is, and may for ten minutes do what asks for a recent sign-in. A code or a passkey makes
 * this a session that has shown a second factor.
 */
export function reauthenticate(auth: () => Auth): PersonalRoute {
  return {
    ...personalAuth,
    method: 'POST',
    path: '/api/v1/auth/reauthenticate',
    operationId: 'reauthenticate',
    summary: 'Show again who I am, with the password, a code or a passkey',
    body: { schema: proofInput, example: { code: '492039' } },
    errors: [...provingErrors, 'rate_limited'],
    answers: [{ ...noContent, headers: ['X-CSRF-Token'] }],
    async handle(call) {
      const { principal, client, body } = call
      const parts = auth()
      const proof = validate(proofInput, body)
      if (Object.values(proof).every((shown) => shown === undefined)) throw authProblem('proof_required')
      await proveHolder(parts, { principal, client, proof })
      const byFactor = isByFactor(proof)
      const { id, credential } = principal.session!
      const now = parts.platform.clock.now()
      const renew = async (system: SystemTransaction): Promise<string | undefined> => {
        const [living] = await system.run(statement`
          update plinth.sessions set authenticated_at = ${now}::text::timestamptz, second_factor = second_factor or ${byFactor}::boolean,
            updated_at = ${now}::text::timestamptz, version = version + 1
          where id = ${id}::uuid and ended_at is null
          returning id`)
        if (!living) throw problem('invalid_credential')
        return credential === 'cookie' ? renewSecret(parts, system, id) : undefined
      }
      const secret = await auditedSystem(call, renew, () => ({
        action: 'session.reauthenticated',
        target: id,
        detail: { byFactor },
      }))
      parts.sessions.forget()
      if (secret === undefined) return emptyAnswer(204, noStore)
      return { ...emptyAnswer(204), ...renewedCookie(parts, secret, client) }
    },
  }
}
