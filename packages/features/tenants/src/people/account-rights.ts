import { problem, statement, type Platform, type Principal, type StatementRunner } from '@plinth/core'

/** How long after signing in one may change what one signs in with. */
const FRESH_MS = 10 * 60_000

export interface AccountTarget {
  readonly tenantId: string
  readonly userId: string
  /** What he signs in with: changing it takes the account over. */
  readonly changes: readonly ('email' | 'username' | 'password' | 'name')[]
}

/**
 * Who may change what is global about a user. A tenant that could do that would take over whoever it invites, with all that he has in
 * other tenants: only the user himself may, and the operator.
 * @throws permission_denied
 */
export async function refuseForeignAccount(
  platform: Platform,
  system: StatementRunner,
  principal: Principal,
  { userId, changes }: AccountTarget,
): Promise<void> {
  const person =
    principal.kind === 'user' && principal.session !== undefined && principal.session.credential !== 'apiKey'
  if (person && principal.userId === userId) {
    const age = platform.clock.now().getTime() - principal.session!.authenticatedAt.getTime()
    // A session that somebody left open must not be enough to keep the account for good.
    if (age <= FRESH_MS || changes.every((change) => change === 'name')) return
    throw problem('permission_denied', { detail: 'Sign in again first: this changes what you sign in with.' })
  }
  if (person && principal.superadmin === true) return
  await refuseOperator(system, userId)
  throw problem('permission_denied', {
    detail:
      'Name, addresses and password belong to the person: only he may change them, or the operator of the service.',
  })
}

/** Whoever changes an operator's account becomes one. @throws permission_denied */
async function refuseOperator(system: StatementRunner, userId: string): Promise<void> {
  const [user] = await system.run(statement`select superadmin from plinth.users where id = ${userId}::uuid`)
  if (user?.['superadmin'] === true)
    throw problem('permission_denied', { detail: 'The account of an operator is changed by operators.' })
}
