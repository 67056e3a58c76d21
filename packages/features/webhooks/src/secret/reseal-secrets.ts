import { statement, type Platform } from '@plinth/core'
import { secretContext } from './webhook-secret.ts'

const AT_ONCE = 500
const FIRST = '00000000-0000-0000-0000-000000000000'

/**
 * Encrypts every secret anew, under the first key of the ring. One that was replaced meanwhile is left as it is.
 * @returns how many
 */
export async function resealSecrets({ database, secrets }: Pick<Platform, 'database' | 'secrets'>): Promise<number> {
  let [tenantAfter, after, count] = [FIRST, FIRST, 0]
  for (;;) {
    const page = await database.systemStatement(statement`
      select tenant_id, id, secret from plinth.webhook_secrets where (tenant_id, id) > (${tenantAfter}::uuid, ${after}::uuid)
      order by tenant_id, id limit ${AT_ONCE}::int`)
    const last = page.at(-1)
    if (!last) return count
    const column = (name: string): string[] => page.map((row) => String(row[name]))
    const sealed = page.map((row) => {
      const context = secretContext(String(row['tenant_id']), String(row['id']))
      return secrets.seal(secrets.open(String(row['secret']), context), context)
    })
    const done = await database.systemStatement(statement`
      update plinth.webhook_secrets w set secret = s.sealed
      from unnest(${column('tenant_id')}::uuid[], ${column('id')}::uuid[], ${column('secret')}::text[], ${sealed}::text[])
        s(tenant_id, id, before, sealed)
      where w.tenant_id = s.tenant_id and w.id = s.id and w.secret = s.before
      returning w.id`)
    count += done.length
    ;[tenantAfter, after] = [String(last['tenant_id']), String(last['id'])]
  }
}
