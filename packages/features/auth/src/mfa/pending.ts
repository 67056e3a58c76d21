import { hashToken, statement, type Client, type SystemTransaction } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import { peekOneTimeToken, takeOneTimeToken } from '../one-time/one-time-tokens.ts'
import { completeSignIn, tokensOf } from '../sign-in/complete-sign-in.ts'
import type { TokenSet } from '../sign-in/token-set.ts'

/** How long a sign-in waits for its second factor, in seconds. */
export const MFA_PENDING_SECONDS = 300

/** Wrong codes after which the password has to be shown again. */
const MOST_TRIES = 5

/** A second factor that is shown to a sign-in that waits for one. */
export interface Finish {
  readonly client: Client
  readonly requestId: string
  /** Whether it can be guessed, and is counted for the user as well. */
  readonly guessable: boolean
  /** Takes it, in the transaction of the sign-in. */
  readonly take: (system: SystemTransaction, userId: string) => Promise<boolean>
}

/**
 * Finishes a sign-in that waits for its second factor. The try is counted, the factor taken and the token used up in one transaction:
 * a wrong code costs a try and leaves the token, a right one works once, and so does the token.
 * @returns undefined where the factor was not right
 * @throws mfa_token_invalid, tenant_forbidden, rate_limited, unavailable
 */
export async function finishSignIn(
  auth: Auth,
  token: string,
  { client, requestId, guessable, take }: Finish,
): Promise<TokenSet | undefined> {
  const ofClient = await auth.guard.token(client)
  const pending = await peekOneTimeToken(auth, 'mfa', token)
  if (!pending) throw authProblem('mfa_token_invalid')
  const { userId } = pending
  const ofUser = guessable ? await auth.guard.code(userId) : undefined
  let known = false
  const done = await completeSignIn(
    auth,
    { account: { userId }, secondFactor: true, kind: 'token', tenant: pending.bound ?? undefined, client, requestId },
    async (system) => {
      known = await countTry(auth, system, token)
      return known && (await take(system, userId)) && (await takeOneTimeToken(auth, system, 'mfa', token)) !== undefined
    },
  )
  if (!known) throw authProblem('mfa_token_invalid')
  if (!done) return undefined
  await Promise.all([ofClient.refund(), ofUser?.refund()])
  return tokensOf(auth, userId, done)
}

/** Whose sign-in waits; uses nothing up. @throws mfa_token_invalid, rate_limited, unavailable */
export async function peekPending(auth: Auth, token: string, client: Client): Promise<string> {
  const attempt = await auth.guard.token(client)
  const pending = await peekOneTimeToken(auth, 'mfa', token)
  if (!pending) throw authProblem('mfa_token_invalid')
  await attempt.refund()
  return pending.userId
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
