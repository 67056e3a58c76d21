import { audited, problem, statement, type Client, type SystemTransaction, type Tenant } from '@plinth/core'
import type { Account } from '../accounts/find-account.ts'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import { startSession, type StartedSession } from '../sessions/start-session.ts'
import { tenantForSession, tokenSet, type TokenSet } from './token-set.ts'

export interface SignIn {
  readonly account: Pick<Account, 'userId'> & Partial<Pick<Account, 'passwordSince'>>
  readonly secondFactor: boolean
  readonly kind: 'cookie' | 'token'
  /** Id or slug, as it was asked for. */
  readonly tenant: string | undefined
  readonly client: Client
  readonly requestId: string
}

export interface SignedIn {
  readonly session: StartedSession
  readonly tenant: Tenant | undefined
}

/**
 * The last step of every sign-in, whatever the steps before were: a new session.
 * @param within what else belongs into its transaction; where it answers false nothing happens
 * @throws tenant_forbidden; invalid_credentials where the account was closed, or its password set anew, since that was looked at
 */
export async function completeSignIn(
  auth: Auth,
  { account, tenant: wanted, requestId, ...draft }: SignIn,
  within: (system: SystemTransaction) => Promise<boolean> = () => Promise.resolve(true),
): Promise<SignedIn | undefined> {
  const tenant = await tenantForSession(auth, account.userId, wanted)
  return auth.platform.database.system(async (system) => {
    await refuseStale(system, account)
    if (!(await within(system))) return undefined
    // Not before the second factor was right: who has the password alone would learn where somebody is a member.
    if (tenant === 'foreign') throw problem('tenant_forbidden')
    const session = await startSession(auth, system, {
      ...draft,
      userId: account.userId,
      tenantId: tenant?.id ?? null,
    })
    await audited(
      system,
      { platform: auth.platform, client: draft.client, requestId },
      {
        action: 'session.created',
        target: session.id,
        actor: { kind: 'user', id: account.userId },
        tenantId: tenant?.id ?? null,
        detail: { kind: draft.kind, secondFactor: draft.secondFactor },
      },
    )
    return { session, tenant }
  })
}

/** What a program gets for a sign-in. */
export function tokensOf(auth: Auth, userId: string, { session, tenant }: SignedIn): Promise<TokenSet> {
  return tokenSet(auth, { userId, sessionId: session.id, refreshToken: session.secret, tenant })
}

/**
 * Comparing a password takes a while, and waiting for a code minutes: whoever is suspended or sets a new password meanwhile ends all
 * sessions, and must not find one more. The row is held until the session is there; the password is read in a statement of its own,
 * which sees what the one that was waited for has written.
 */
async function refuseStale(system: SystemTransaction, { userId, passwordSince }: SignIn['account']): Promise<void> {
  const [active] = await system.run(statement`
    select id from plinth.users where id = ${userId}::uuid and status = 'active' for share`)
  const [password] = await system.run(statement`
    select changed_at::text as since from plinth.passwords where user_id = ${userId}::uuid`)
  if (!active || (passwordSince !== undefined && password?.['since'] !== passwordSince))
    throw authProblem('invalid_credentials')
}
