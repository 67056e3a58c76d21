import type { Attempt, Client } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { findAccount, type Account } from '../accounts/find-account.ts'
import { rehash } from '../accounts/set-password.ts'
import { authProblem } from '../errors.ts'
import { isKnownClient } from '../sessions/is-known-client.ts'

export interface ShownCredentials {
  readonly email?: string | undefined
  readonly username?: string | undefined
  readonly password: string
  readonly client: Client
}

/**
 * Who has this name and this password. Unknown, closed and password-less accounts take the same time and get the same answer as a
 * wrong password: one lookup, one hash.
 * @throws invalid_credentials, rate_limited, unavailable
 */
export async function verifyCredentials(auth: Auth, shown: ShownCredentials): Promise<Account> {
  const { email, username, password, client } = shown
  const name = (email ?? username ?? '').normalize('NFKC').trim()
  // Charged before the password is looked at: a hundred guesses at once cannot slip past the counter together.
  const attempt = await auth.guard.signIn(name, client)
  // An address that is none belongs to nobody; it is looked up all the same, since a faster answer would tell.
  const account = await findAccount(auth.platform, email === undefined ? { username: name } : { email: name })
  const guess = await wide(auth, name, account, client, attempt)
  const usable = account?.active === true && account.passwordHash !== null && isProven(auth, account)
  const { valid, rehash: outdated } = await auth.passwords.verify(password, usable ? account.passwordHash : null)
  if (!usable || !valid)
    throw authProblem('invalid_credentials', { headers: { 'www-authenticate': 'Bearer' }, concerns: account?.userId })
  await Promise.all([attempt.refund(), guess.refund()])
  if (outdated) auth.platform.after.start('rehash', () => rehash(auth, account, password))
  return account
}

/** Charged for all clients together; who is held up by what others guessed is not charged for it where he is. */
async function wide(
  auth: Auth,
  name: string,
  account: Account | undefined,
  client: Client,
  own: Attempt,
): Promise<Attempt> {
  try {
    return await auth.guard.guesses(name, () => isKnownClient(auth, account?.userId, client))
  } catch (error) {
    await own.refund()
    throw error
  }
}

/**
 * Where an account begins with a mail, it has to be confirmed first: whoever registers an address and signs in with the password that
 * he chose would learn whether it had an account, which nothing else tells.
 */
export function isProven({ options }: Auth, { email, emailVerified }: Account): boolean {
  return options.registration !== 'by-mail' || email === null || emailVerified
}
