import { statement, type Client, type SystemTransaction } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import { peekOneTimeToken, takeOneTimeToken } from '../one-time/one-time-tokens.ts'
import { hashToken } from '../one-time/token.ts'
import { completeSignIn, tokensOf } from '../sign-in/complete-sign-in.ts'
import type { TokenSet } from '../sign-in/token-set.ts'
import { takeShown, type ShownFactor } from './take-second-factor.ts'

/** How long a sign-in waits for its second factor, in seconds. */
export const MFA_PENDING_SECONDS = 300

/** Wrong codes after which the password has to be shown again. */
const MOST_TRIES = 5

/**
 * Finishes a sign-in that waits for its second factor. The try is counted, the code taken and the token used up in one transaction:
 * a wrong code costs a try and leaves the token, a right one works once, and so does the token.
 * @throws mfa_token_invalid, invalid_code, tenant_forbidden, rate_limited, unavailable
 */
export async function finishSignIn(
  auth: Auth,
  token: string,
  shown: ShownFactor & { readonly client: Client },
): Promise<TokenSet> {
  const ofClient = await auth.guard.token(shown.client)
  const pending = await peekOneTimeToken(auth, 'mfa', token)
  if (!pending) throw authProblem('mfa_token_invalid')
  const { userId } = pending
  const ofUser = await auth.guard.code(userId)
  let known = false
  const done = await completeSignIn(
    auth,
    {
      account: { userId },
      secondFactor: true,
      kind: 'token',
      tenant: pending.bound ?? undefined,
      client: shown.client,
    },
    async (system) => {
      known = await countTry(auth, system, token)
      return (
        known &&
        (await takeShown(auth, system, userId, shown)) &&
        (await takeOneTimeToken(auth, system, 'mfa', token)) !== undefined
      )
    },
  )
  if (!known) throw authProblem('mfa_token_invalid')
  if (!done) throw authProblem('invalid_code')
  await Promise.all([ofClient.refund(), ofUser.refund()])
  return tokensOf(auth, userId, done)
}

/** @returns false where the token is used up, too old, or has been tried too often */
async function countTry(
  { platform }: Pick<Auth, 'platform'>,
  system: SystemTransaction,
  token: string,
): Promise<boolean> {
  const now = platform.clock.now()
  const [row] = await system.run(statement`
    update plinth.one_time_tokens set tries = tries + 1
    where token_hash = ${hashToken(token)}::text and purpose = 'mfa' and used_at is null
      and expires_at > ${now}::text::timestamptz and tries < ${MOST_TRIES}::int
    returning tries`)
  return row !== undefined
}
