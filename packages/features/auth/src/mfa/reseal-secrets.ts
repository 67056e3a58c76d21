import { statement, type Platform } from '@plinth/core'
import { secretContext } from './take-second-factor.ts'

const AT_ONCE = 500

/**
 * Encrypts every secret anew, under the first key of the ring. One that was replaced meanwhile is left as it is.
 * @returns how many
 */
export async function resealSecrets({ database, secrets }: Pick<Platform, 'database' | 'secrets'>): Promise<number> {
  let [after, count] = ['00000000-0000-0000-0000-000000000000', 0]
  for (;;) {
    const page = await database.system((system) =>
      system.run(statement`
        select id, user_id, secret from plinth.mfa_devices where id > ${after}::uuid and secret is not null order by id limit ${AT_ONCE}::int`),
    )
    if (page.length === 0) return count
    const column = (name: string): string[] => page.map((row) => String(row[name]))
    const sealed = page.map((row) => {
      const context = secretContext(String(row['user_id']))
      return secrets.seal(secrets.open(String(row['secret']), context), context)
    })
    const done = await database.system((system) =>
      system.run(statement`
        update plinth.mfa_devices d set secret = w.sealed
        from unnest(${column('id')}::text::text[], ${column('secret')}::text::text[], ${sealed}::text::text[]) w(id, before, sealed)
        where d.id = w.id::uuid and d.secret = w.before
        returning d.id`),
    )
    count += done.length
    after = String(page.at(-1)!['id'])
  }
}
