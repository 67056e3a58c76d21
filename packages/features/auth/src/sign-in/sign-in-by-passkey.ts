import { hashToken, type Client, type SystemTransaction } from '@plinth/core'
import { findAccount } from '../accounts/find-account.ts'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import { finishSignIn, peekPending } from '../mfa/pending.ts'
import type { Ceremony } from '../passkeys/ceremonies.ts'
import type { ShownPasskey } from '../passkeys/shown-passkey.ts'
import { believePasskey, takePasskey, type TakenPasskey } from '../passkeys/take-passkey.ts'
import { completeSignIn, tokensOf, type SignedIn } from './complete-sign-in.ts'
import type { TokenSet } from './token-set.ts'
import { isProven } from './verify-credentials.ts'

/** Nobody is named: whoever has the passkey is found by it. */
export const firstFactor: Ceremony = { purpose: 'passkey login', userId: null, bound: null }

/** Of a sign-in that began with the password, and of that one alone. */
export function secondFactorOf(userId: string, mfaToken: string): Ceremony {
  return { purpose: 'passkey second', userId, bound: hashToken(mfaToken) }
}

export interface PasskeySignIn {
  readonly shown: ShownPasskey
  readonly kind: 'cookie' | 'token'
  readonly tenant: string | undefined
  readonly client: Client
  readonly requestId: string
  /** What else belongs into the transaction of the sign-in. */
  readonly within?: (system: SystemTransaction) => Promise<void>
}

export interface SignedInByPasskey extends SignedIn {
  readonly userId: string
}

/**
 * A passkey alone: something one has, given out to the one that it knows, so it is both factors. Whatever is wrong is answered alike.
 * @throws passkey_refused; passkey_needs_password to who has shown the passkey and must show the new password too; tenant_forbidden,
 * rate_limited, unavailable
 */
export async function signInByPasskey(auth: Auth, sign: PasskeySignIn): Promise<SignedInByPasskey> {
  const { shown, client, requestId, kind, tenant } = sign
  const attempt = await auth.guard.signIn(shown.credential.id, client)
  const believed = await believePasskey(auth, firstFactor, shown)
  const account = believed && (await findAccount(auth.platform, { userId: believed.userId }))
  if (!believed || !account?.active || !isProven(auth, account)) throw authProblem('passkey_refused')
  let taken: TakenPasskey = 'refused'
  const { userId } = account
  const done = await completeSignIn(
    auth,
    { account: { userId }, secondFactor: true, kind, tenant, client, requestId },
    async (system) => {
      taken = await takePasskey(auth, system, believed, 'nothing')
      if (taken !== 'taken') return false
      await sign.within?.(system)
      return true
    },
  )
  if (!done) throw authProblem(taken === 'refused' ? 'passkey_refused' : 'passkey_needs_password')
  await attempt.refund()
  return { ...done, userId }
}

/**
 * A passkey as the second factor of a sign-in that waits for one.
 * @throws mfa_token_invalid, passkey_refused, tenant_forbidden, rate_limited, unavailable
 */
export async function finishByPasskey(
  auth: Auth,
  mfaToken: string,
  { shown, client, requestId }: Pick<PasskeySignIn, 'shown' | 'client' | 'requestId'>,
): Promise<TokenSet> {
  const userId = await peekPending(auth, mfaToken, client)
  const believed = await believePasskey(auth, secondFactorOf(userId, mfaToken), shown)
  const tokens = await finishSignIn(auth, mfaToken, {
    client,
    requestId,
    guessable: false,
    take: async (system) =>
      believed !== undefined && (await takePasskey(auth, system, believed, 'password')) === 'taken',
  })
  if (!tokens) throw authProblem('passkey_refused')
  return tokens
}

/** What a program gets for it. */
export function tokensByPasskey(auth: Auth, done: SignedInByPasskey): Promise<TokenSet> {
  return tokensOf(auth, done.userId, done)
}
