import { statement, type Actor, type Principal, type Tenant } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { keyOf } from './find-key.ts'
import { principalOf } from './key-reader.ts'

/**
 * The key or the service account that asked for something that happens later. It is asked for by the same function as when it is shown:
 * what was revoked, has ended or belongs to somebody who may not come in is not found. A service account is there as long as one of its
 * keys is. From where a key may be shown does not matter here: nobody shows it.
 */
export function recallKey(
  auth: () => Auth,
): (asker: Actor, tenant: Pick<Tenant, 'id'>) => Promise<Principal | undefined> {
  return async ({ kind, id }, tenant) => {
    if (kind !== 'apiKey' && kind !== 'service') return undefined
    const { platform } = auth()
    const rows = await platform.database.system((system) =>
      system.run(statement`
        select f.* from plinth.api_keys k join plinth.api_key_secrets s on s.key_id = k.id
          cross join lateral plinth.find_api_key(s.key_hash) f
        where k.tenant_id = ${tenant.id}::uuid
          and case ${kind}::text when 'apiKey' then k.id::text else k.service_account_id::text end = ${id}::text`),
    )
    const now = platform.clock.now().getTime()
    const alive = rows.map(keyOf).find(({ expiresAt }) => expiresAt === null || expiresAt > now)
    return alive && principalOf(alive)
  }
}
