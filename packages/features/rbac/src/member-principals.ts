import {
  PermissionSet,
  statement,
  type Platform,
  type Principal,
  type PrincipalSource,
  type RawRow,
  type StatementRunner,
  type Tenant,
} from '@plinth/core'

/** The member of a tenant who is called so, by id or e-mail address. In a transaction of that tenant, which sees no other's. */
export async function findMember(
  transaction: StatementRunner,
  tenant: Pick<Tenant, 'id'>,
  name: string,
): Promise<Principal | undefined> {
  const [row] = await transaction.run(statement`
    select user_id as id, name, email from plinth.memberships
    where tenant_id = ${tenant.id}::uuid and (user_id::text = lower(${name}::text) or lower(email) = lower(${name}::text))
    limit 1`)
  return row && personOf(row, tenant.id)
}

/**
 * Users for `plinth explain`, by id, e-mail address or user name. What they may do is drawn in the tenant that is asked about. No names
 * are offered for a mistyped one: they would be other people's addresses.
 */
export function userSource(platform: () => Platform): PrincipalSource {
  return {
    kind: 'user',
    names: () => [],
    find: async (name) => {
      const [row] = await platform().database.system((system) =>
        system.run(statement`
          select id, name, email from plinth.users
          where id::text = lower(${name}::text) or lower(email) = lower(${name}::text) or lower(username) = lower(${name}::text)
          limit 1`),
      )
      return row && personOf(row, null)
    },
  }
}

/** As if he had signed in with all that a tenant may ask for: what is explained are his rights, not his session. */
function personOf(row: RawRow, tenantId: string | null): Principal {
  const id = String(row['id'])
  const called = [row['name'], row['email']].find((one) => typeof one === 'string' && one !== '')
  return {
    kind: 'user',
    id,
    name: typeof called === 'string' ? called : id,
    userId: id,
    groupIds: [],
    tenant: tenantId,
    permissions: PermissionSet.none,
    rights: { member: id },
    session: { id: 'explained', credential: 'cookie', secondFactor: true, authenticatedAt: new Date(0) },
  }
}
