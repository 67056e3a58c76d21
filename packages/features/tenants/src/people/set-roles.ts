import { holdOwners, refuseOwnerless, statement, type SystemTransaction } from '@plinth/core'

/**
 * Makes these the roles of a member, and no others.
 * @throws last_owner
 */
export async function setRoles(
  system: SystemTransaction,
  {
    tenantId,
    userId,
    roles,
  }: { readonly tenantId: string; readonly userId: string; readonly roles: readonly string[] },
): Promise<void> {
  await holdOwners(system, tenantId)
  await system.run(statement`
    delete from plinth.user_roles
    where tenant_id = ${tenantId}::uuid and user_id = ${userId}::uuid and role <> all (${roles}::text[])`)
  await system.run(statement`
    insert into plinth.user_roles (tenant_id, user_id, role)
    select ${tenantId}::uuid, ${userId}::uuid, r.role from unnest(${roles}::text::text[]) r(role)
    on conflict do nothing`)
  await refuseOwnerless(system, tenantId)
}
