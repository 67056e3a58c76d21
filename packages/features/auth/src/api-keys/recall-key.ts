import { PermissionSet, statement, type Actor, type Principal, type Tenant } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { keyOf } from './find-key.ts'
import { principalOf } from './key-reader.ts'

/**
 * The key or the service account in whose name something happens later. A key is asked for by the same function as when it is shown: what
 * was revoked, has ended or belongs to somebody who may not come in is not found. From where it may be shown does not matter here: nobody
 * shows it. A service account is there until it is disabled or deleted, as a member is, whatever becomes of the ways by which it came in:
 * one that acts for a row of the product needs no key at all.
 */
export function recallKey(
  auth: () => Auth,
): (asker: Actor, tenant: Pick<Tenant, 'id'>) => Promise<Principal | undefined> {
  return async ({ kind, id }, tenant) => {
    if (kind === 'service') return serviceAccount(auth(), id, tenant)
    if (kind !== 'apiKey') return undefined
    const { platform } = auth()
    const rows = await platform.database.system((system) =>
      system.run(statement`
        select f.* from plinth.api_keys k join plinth.api_key_secrets s on s.key_id = k.id
          cross join lateral plinth.find_api_key(s.key_hash) f
        where k.tenant_id = ${tenant.id}::uuid and k.id::text = ${id}::text`),
    )
    const now = platform.clock.now().getTime()
    const alive = rows.map(keyOf).find(({ expiresAt }) => expiresAt === null || expiresAt > now)
    return alive && principalOf(alive)
  }
}

async function serviceAccount(
  { platform }: Auth,
  id: string,
  tenant: Pick<Tenant, 'id'>,
): Promise<Principal | undefined> {
  const [row] = await platform.database.system((system) =>
    system.run(statement`
      select name, array(select jsonb_array_elements_text(roles)) as roles from plinth.service_accounts
      where tenant_id = ${tenant.id}::uuid and id::text = ${id}::text and disabled_at is null`),
  )
  if (!row) return undefined
  return {
    kind: 'service',
    id,
    name: String(row['name']),
    userId: null,
    groupIds: [],
    tenant: tenant.id,
    permissions: PermissionSet.none,
    rights: { roles: row['roles'] as readonly string[] },
  }
}
