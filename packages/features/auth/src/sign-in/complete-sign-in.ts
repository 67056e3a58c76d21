import { problem, type Client, type SystemTransaction, type Tenant } from '@plinth/core'
import type { Account } from '../accounts/find-account.ts'
import type { Auth } from '../auth-parts.ts'
import { startSession, type StartedSession } from '../sessions/start-session.ts'
import { tenantForSession, tokenSet, type TokenSet } from './token-set.ts'

export interface SignIn {
  readonly account: Pick<Account, 'userId'>
  readonly secondFactor: boolean
  readonly kind: 'cookie' | 'token'
  /** Id or slug, as it was asked for. */
  readonly tenant: string | undefined
  readonly client: Client
}

export interface SignedIn {
  readonly session: StartedSession
  readonly tenant: Tenant | undefined
}

/**
 * The last step of every sign-in, whatever the steps before were: a new session.
 * @param within what else belongs into its transaction; where it answers false nothing happens
 * @throws tenant_forbidden
 */
export async function completeSignIn(
  auth: Auth,
  { account, tenant: wanted, ...draft }: SignIn,
  within: (system: SystemTransaction) => Promise<boolean> = () => Promise.resolve(true),
): Promise<SignedIn | undefined> {
  const tenant = await tenantForSession(auth, account.userId, wanted)
  if (tenant === 'foreign') throw problem('tenant_forbidden')
  const session = await auth.platform.database.system(async (system) => {
    if (!(await within(system))) return undefined
    return startSession(auth, system, { ...draft, userId: account.userId, tenantId: tenant?.id ?? null })
  })
  return session && { session, tenant }
}

/** What a program gets for a sign-in. */
export function tokensOf(auth: Auth, userId: string, { session, tenant }: SignedIn): Promise<TokenSet> {
  return tokenSet(auth, { userId, sessionId: session.id, refreshToken: session.secret, tenant })
}
