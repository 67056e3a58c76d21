import { statement, type Platform } from '@plinth/core'
import type { Layer } from './declaration.ts'
import { sealContext } from './effective.ts'

const BATCH = 200

/** Encrypts every secret anew under the first key of the ring. Each batch is locked while it is read: what is set meanwhile stays. */
export async function resealSettings(platform: Platform): Promise<number> {
  let count = await resealPlatform(platform)
  let after: readonly [string, string, string] = ['00000000-0000-0000-0000-000000000000', '', '']
  for (;;) {
    const [tenantAfter, keyAfter, userAfter] = after
    const rows = await platform.database.system(async (system) => {
      const found = await system.run(statement`
        select tenant_id, key, user_id, coalesce(user_id::text, '') as person, sealed from plinth.settings
        where sealed is not null
          and (tenant_id, key, coalesce(user_id::text, '')) > (${tenantAfter}::uuid, ${keyAfter}::text, ${userAfter}::text)
        order by tenant_id, key, coalesce(user_id::text, '') limit ${BATCH}::int for update`)
      for (const row of found) {
        const userId = row['user_id'] === null ? null : String(row['user_id'])
        const layer: Layer = userId === null ? 'tenant' : 'user'
        const context = sealContext(layer, String(row['key']), { tenantId: String(row['tenant_id']), userId })
        const sealed = platform.secrets.seal(platform.secrets.open(String(row['sealed']), context), context)
        await system.run(statement`
          update plinth.settings set sealed = ${sealed}::text
          where tenant_id = ${String(row['tenant_id'])}::uuid and kind = 'setting' and key = ${String(row['key'])}::text
            and user_id is not distinct from ${userId}::uuid`)
      }
      return found
    })
    count += rows.length
    const last = rows.at(-1)
    if (!last || rows.length < BATCH) return count
    after = [String(last['tenant_id']), String(last['key']), String(last['person'])]
  }
}

function resealPlatform({ database, secrets }: Platform): Promise<number> {
  return database.system(async (system) => {
    const rows = await system.run(statement`
      select key, sealed from plinth.platform_settings where sealed is not null for update`)
    for (const row of rows) {
      const context = sealContext('platform', String(row['key']), undefined)
      const sealed = secrets.seal(secrets.open(String(row['sealed']), context), context)
      await system.run(statement`
        update plinth.platform_settings set sealed = ${sealed}::text where kind = 'setting' and key = ${String(row['key'])}::text`)
    }
    return rows.length
  })
}
