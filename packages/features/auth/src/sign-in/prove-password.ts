import type { Client } from '@plinth/core'
import { findAccount, type Account } from '../accounts/find-account.ts'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'

export interface ShownPassword {
  readonly password: string
  readonly client: Client
  /** Said where it is not right. */
  readonly detail?: string
}

/**
 * The password of an account that is known already, from somebody at a session or behind a link. Charged before it is looked at, like a
 * sign-in, for this client and for all of them.
 * @throws invalid_credentials, rate_limited, unavailable
 */
export async function provePassword(
  auth: Auth,
  userId: string,
  { password, client, detail }: ShownPassword,
): Promise<Account> {
  const account = await findAccount(auth.platform, { userId })
  const attempt = await auth.guard.holder(userId, client)
  const { valid } = await auth.passwords.verify(password, account?.passwordHash ?? null)
  if (!account || !valid)
    throw authProblem('invalid_credentials', {
      headers: { 'www-authenticate': 'Bearer' },
      concerns: userId,
      ...(detail !== undefined && { detail }),
    })
  await attempt.refund()
  return account
}
