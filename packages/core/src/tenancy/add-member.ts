import type { SystemTransaction } from '../ports/database.ts'
import { statement } from '../ports/statement.ts'

export interface NewMember {
  readonly tenantId: string
  readonly userId: string
  readonly roles: readonly string[]
}

/**
 * Ties a user to a tenant, in a transaction of the system: the one way in. Who is a member already stays what he is.
 * @returns whether he was none before
 */
export async function addMember(system: SystemTransaction, { tenantId, userId, roles }: NewMember): Promise<boolean> {
  system.changesMembers()
  const [added] = await system.run(statement`
    with m as (
      insert into plinth.memberships (tenant_id, id, user_id)
      values (${tenantId}::uuid, ${userId}::uuid, ${userId}::uuid)
      on conflict (tenant_id, user_id) do nothing
      returning tenant_id, user_id)
    select user_id from m`)
  if (!added) return false
  // A statement of its own: the foreign key is checked against what this one can see.
  await system.run(statement`
    insert into plinth.user_roles (tenant_id, user_id, role)
    select ${tenantId}::uuid, ${userId}::uuid, r.role from unnest(${roles}::text::text[]) r(role)
    on conflict do nothing`)
  return true
}
