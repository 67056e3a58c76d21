import { accountFields, type Client, type Principal } from '@plinth/core'
import { z } from 'zod'
import { findAccount, type Account } from '../accounts/find-account.ts'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import type { Ceremony } from '../passkeys/ceremonies.ts'
import { shownPasskey, type ShownPasskey } from '../passkeys/shown-passkey.ts'
import { believePasskey, takePasskey } from '../passkeys/take-passkey.ts'
import { provePassword } from '../sign-in/prove-password.ts'
import { takeShown, type ShownFactor } from './take-second-factor.ts'

/** How long after one showed who one is nothing else is asked for. */
const FRESH_MS = 10 * 60_000

export const codeField = z.string().min(1).max(64)

export const proofInput = z.object({
  currentPassword: accountFields.password.optional(),
  code: codeField.optional().describe('Of an authenticator that is confirmed'),
  recoveryCode: codeField.optional(),
  passkey: shownPasskey.optional().describe('Answers POST /auth/reauthenticate/options'),
})

export interface Proof extends ShownFactor {
  readonly currentPassword?: string | undefined
  readonly passkey?: ShownPasskey | undefined
}

/** Whether what was shown counts as a second factor. */
export function isByFactor({ code, recoveryCode, passkey }: Proof): boolean {
  return code !== undefined || recoveryCode !== undefined || passkey !== undefined
}

export interface Holder {
  readonly principal: Principal
  readonly client: Client
  /** What was shown in this request; nothing where having signed in a moment ago is to be enough. */
  readonly proof: Proof
}

/**
 * Who changes factors shows that he is the holder of the account and not somebody at a session that was left open. Where there is a
 * second factor, a session that has not shown it proves nothing by the password: whoever stole that would otherwise add a factor of his
 * own, from a session that is older than the first one.
 * @throws proof_required, invalid_credentials, invalid_code, passkey_refused, rate_limited, unavailable
 */
export async function proveHolder(auth: Auth, { principal, client, proof }: Holder): Promise<Account> {
  const { id, session } = principal
  const account = await findAccount(auth.platform, { userId: id })
  if (!account?.active || !session) throw authProblem('proof_required')
  if (proof.passkey) {
    const attempt = await auth.guard.token(client)
    const of = proofCeremony(principal)
    const believed = await believePasskey(auth, of, proof.passkey)
    const taken =
      believed && (await auth.platform.database.system((system) => takePasskey(auth, system, believed, 'session')))
    if (taken !== 'taken') throw authProblem('passkey_refused')
    await attempt.refund()
    return account
  }
  if (proof.code !== undefined || proof.recoveryCode !== undefined) {
    const attempt = await auth.guard.code(id)
    const taken = await auth.platform.database.system((system) => takeShown(auth, system, id, proof))
    if (!taken) throw authProblem('invalid_code')
    await attempt.refund()
    return account
  }
  if (account.secondFactor && !session.secondFactor) throw authProblem('proof_required')
  if (proof.currentPassword !== undefined) {
    return provePassword(auth, id, { password: proof.currentPassword, client })
  }
  const age = auth.platform.clock.now().getTime() - session.authenticatedAt.getTime()
  if (age > FRESH_MS) throw authProblem('proof_required')
  return account
}

/** A passkey that is to show that who sits at this session is its owner. */
export function proofCeremony({ id, session }: Principal): Ceremony {
  return { purpose: 'passkey proof', userId: id, bound: session!.id }
}
