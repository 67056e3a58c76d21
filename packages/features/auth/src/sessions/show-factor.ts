import { problem, statement, type Principal, type SystemTransaction } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { endSessions } from './end-session.ts'
import { renewSecret } from './renew-secret.ts'

/**
 * The session in which a factor was added has shown it, at once: an access token names it and is looked up. A cookie is renewed, since it
 * is worth more from now on; a refresh token renews itself by its next use, and ends no session of who does not expect a new one here.
 * @param endOthers whether all other sessions of this user end
 * @returns the new cookie, where it is one
 * @throws invalid_credential where the session has ended meanwhile
 */
export async function showFactor(
  auth: Auth,
  system: SystemTransaction,
  { id: userId, session }: Principal,
  endOthers: boolean,
): Promise<string | undefined> {
  const { id, credential } = session!
  const now = auth.platform.clock.now()
  const [living] = await system.run(statement`
    update plinth.sessions set second_factor = true, updated_at = ${now}::text::timestamptz, version = version + 1
    where id = ${id}::uuid and ended_at is null
    returning id`)
  if (!living) throw problem('invalid_credential')
  if (endOthers) await endSessions(auth, system, { userId, except: id, by: 'second factor added' })
  return credential === 'cookie' ? renewSecret(auth, system, id) : undefined
}
