import {
  addMember,
  hashToken,
  isRandomToken,
  PlinthError,
  refuseGrant,
  rolesIn,
  statement,
  type Platform,
  type RawRow,
  type SystemTransaction,
  type Tenant,
} from '@plinth/core'
import { tenantWithin } from '../directory/tenant-within.ts'
import { tenancyProblem } from '../tenancy-errors.ts'
import { giverOf, type Inviter } from './inviter.ts'
import { INVITATION } from './invitation-token.ts'

export interface Accepted {
  readonly tenant: Tenant
  readonly roles: readonly string[]
  /** Whether he was no member before. */
  readonly added: boolean
}

/**
 * A user who has signed in takes up his invitation; what is wrong with it is not said.
 * @throws invitation_invalid
 */
export async function acceptInvitation(
  platform: Platform,
  system: SystemTransaction,
  { id, token, userId }: { readonly id: string; readonly token: string; readonly userId: string },
): Promise<Accepted> {
  return join(platform, system, await use(platform, system, { id, token, userId }), userId)
}

/**
 * Somebody who has just registered takes it up with the token alone. It was sent to the address that he gave, so having it proves that
 * the address is his: it counts as verified from now on.
 * @throws invitation_invalid
 */
export async function acceptAtRegistration(
  platform: Platform,
  system: SystemTransaction,
  { token, userId }: { readonly token: string; readonly userId: string },
): Promise<Accepted> {
  const accepted = await join(platform, system, await use(platform, system, { id: null, token, userId }), userId)
  const now = platform.clock.now()
  await system.run(statement`
    update plinth.users set email_verified_at = ${now}::text::timestamptz, version = version + 1,
      updated_at = ${now}::text::timestamptz
    where id = ${userId}::uuid and email_verified_at is null`)
  return accepted
}

/**
 * Whether somebody who registers with this address could take it up.
 * @throws invitation_invalid
 */
export async function verifyInvitation(
  platform: Platform,
  { token, email }: { readonly token: string; readonly email: string },
): Promise<void> {
  if (!isRandomToken(INVITATION, token)) throw tenancyProblem('invitation_invalid')
  const now = platform.clock.now()
  await platform.database.system(async (system) => {
    const [pending] = await system.run(statement`
      select i.tenant_id, i.roles, i.owner_user_id, i.service_id
      from plinth.invitations i join plinth.tenants t on t.id = i.tenant_id and t.status = 'active'
      where i.token_hash = ${hashToken(token)}::text and i.status = 'pending' and i.expires_at > ${now}::text::timestamptz
        and lower(i.email) = lower(${email}::text)`)
    await refuseOutgrown(platform, system, invitedBy(pending))
  })
}

/**
 * One statement finds the pending invitation and uses it up, so that of a hundred at once one succeeds. It is for the address to which
 * it was sent; who names it by its id has proven that this is his, who registers does so by the token itself.
 */
async function use(
  platform: Platform,
  system: SystemTransaction,
  { id, token, userId }: { readonly id: string | null; readonly token: string; readonly userId: string },
): Promise<RawRow | undefined> {
  if (!isRandomToken(INVITATION, token)) return undefined
  const now = platform.clock.now()
  const [used] = await system.run(statement`
    update plinth.invitations i
    set status = 'accepted', token_hash = null, accepted_at = ${now}::text::timestamptz, user_id = ${userId}::uuid, version = i.version + 1,
      updated_at = ${now}::text::timestamptz
    from plinth.users u, plinth.tenants t
    where i.token_hash = ${hashToken(token)}::text and i.status = 'pending' and i.expires_at > ${now}::text::timestamptz
      and u.id = ${userId}::uuid and u.status = 'active' and lower(u.email) = lower(i.email)
      and (${id}::text is null or i.id = ${id}::text::uuid and u.email_verified_at is not null)
      and t.id = i.tenant_id and t.status = 'active'
    returning i.tenant_id, i.roles, i.owner_user_id, i.service_id`)
  return used
}

async function join(
  platform: Platform,
  system: SystemTransaction,
  used: RawRow | undefined,
  userId: string,
): Promise<Accepted> {
  const invited = invitedBy(used)
  const { tenantId, roles } = invited
  await refuseOutgrown(platform, system, invited)
  // Who is a member already stays what he is: an old invitation in a drawer gives nobody back what was taken from him.
  const added = await addMember(system, { tenantId, userId, roles })
  return { tenant: await tenantWithin(system, tenantId), roles, added }
}

interface Invited {
  readonly tenantId: string
  readonly roles: readonly string[]
  readonly inviter: Inviter
}

/** @throws invitation_invalid where there is none */
function invitedBy(row: RawRow | undefined): Invited {
  if (!row) throw tenancyProblem('invitation_invalid')
  return {
    tenantId: String(row['tenant_id']),
    roles: JSON.parse(String(row['roles'])) as readonly string[],
    inviter: { userId: textOf(row['owner_user_id']), serviceId: textOf(row['service_id']) },
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

/**
 * Nobody gives what he has not got, on the day when it is given: an admin who sees his end coming could otherwise ask in a second
 * self, and be back when he is no admin any more. So could whoever holds the key of a service.
 * @throws invitation_invalid
 */
async function refuseOutgrown(
  platform: Platform,
  system: SystemTransaction,
  { tenantId, roles, inviter }: Invited,
): Promise<void> {
  const giver = await giverOf(platform, system, tenantId, inviter)
  if (!giver) throw tenancyProblem('invitation_invalid')
  try {
    await refuseGrant(rolesIn(platform, system), giver, tenantId, roles)
  } catch (error) {
    if (!PlinthError.is(error) || error.status >= 500) throw error
    throw tenancyProblem('invitation_invalid')
  }
}
