import { isPerson, type Principal } from '../auth/principal.ts'
import { durationInWords } from '../duration/read-duration.ts'
import { problem, type PlinthError } from '../errors/plinth-error.ts'

/**
 * Why this principal may not do now what asks for a recent sign-in (RFC 9470). A key or a service has nobody who could show himself again,
 * however new it is, so it may not do it at all.
 * @param fresh seconds; undefined where nothing is asked
 * @returns undefined where he may
 */
export function staleness(
  principal: Pick<Principal, 'kind' | 'session'>,
  fresh: number | undefined,
  now: Date,
): PlinthError | undefined {
  if (fresh === undefined) return undefined
  const words = durationInWords(fresh)
  if (!principal.session || !isPerson(principal))
    return problem('permission_denied', {
      detail: `This asks for a sign-in within ${words}, and so for a person: keys and services cannot do it.`,
    })
  const age = now.getTime() - principal.session.authenticatedAt.getTime()
  if (age <= fresh * 1000) return undefined
  return problem('reauthentication_required', {
    detail: `This asks for a sign-in within ${words}.`,
    headers: {
      'www-authenticate': `Bearer error="insufficient_user_authentication", error_description="A sign-in within ${words} is needed", max_age="${fresh}"`,
    },
  })
}
