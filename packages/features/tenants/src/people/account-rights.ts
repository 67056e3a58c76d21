import { isPerson, problem, statement, type Principal, type StatementRunner } from '@plinth/core'
import { ownsAddresses } from '../domains/domain-owner.ts'

export interface AccountTarget {
  readonly tenantId: string
  readonly userId: string
  /** What he signs in with: changing it takes the account over. */
  readonly changes: readonly ('email' | 'username' | 'password' | 'name')[]
  /** His, and the one that he is to have. */
  readonly addresses: readonly string[]
}

/**
 * Who may change what is global about a user. A tenant that could do that would take over whoever it invites, with all that he has in
 * other tenants: only the user himself may, the operator, and the tenant that has proven that his address is in a domain of its own.
 * Who can read a mailbox can have a new password sent to it anyway.
 * @returns by which of these ways
 * @throws permission_denied
 */
export async function refuseForeignAccount(
  system: StatementRunner,
  principal: Principal,
  { tenantId, userId, changes, addresses }: AccountTarget,
): Promise<'self' | 'operator' | 'domain'> {
  const person = isPerson(principal)
  if (person && principal.userId === userId) {
    // A session that somebody left open must not be enough to keep the account for good. The other way asks for the password, limits
    // the mails, and leaves the old address until the new one is proven: a mistyped one would lock its owner out.
    if (changes.every((change) => change === 'name')) return 'self'
    throw problem('permission_denied', {
      detail: 'What you sign in with is changed by PATCH /auth/me and POST /auth/password/change.',
    })
  }
  if (person && principal.superadmin === true) return 'operator'
  await refuseOperator(system, userId)
  if (person && (await ownsAddresses(system, tenantId, addresses))) return 'domain'
  throw problem('permission_denied', {
    detail:
      'Name, addresses and password belong to the person: only he may change them, the operator of the service, or the tenant whose verified domain his address is in.',
  })
}

/** Whoever changes an operator's account becomes one. @throws permission_denied */
async function refuseOperator(system: StatementRunner, userId: string): Promise<void> {
  const [user] = await system.run(statement`select superadmin from plinth.users where id = ${userId}::uuid`)
  if (user?.['superadmin'] === true)
    throw problem('permission_denied', { detail: 'The account of an operator is changed by operators.' })
}
