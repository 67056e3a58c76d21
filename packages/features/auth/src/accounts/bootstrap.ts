import { hashToken, statement } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { makeToken } from '../one-time/token.ts'

const HOURS = 24

/**
 * Where there is no operator yet: a token that makes the first one, printed once. Of several processes that start together the index
 * lets one make it. It is printed and not logged: logs are kept, shipped and read by many.
 */
export async function offerBootstrap(auth: Auth, print: (text: string) => void): Promise<void> {
  const now = auth.platform.clock.now()
  const token = makeToken('bootstrap')
  const made = await auth.platform.database.system(async (system) => {
    const [operator] = await system.run(statement`select id from plinth.users where superadmin limit 1`)
    if (operator) return false
    await system.run(statement`
      update plinth.one_time_tokens set used_at = ${now}::text::timestamptz
      where purpose = 'bootstrap' and used_at is null and expires_at <= ${now}::text::timestamptz`)
    const [row] = await system.run(statement`
      insert into plinth.one_time_tokens (token_hash, purpose, created_at, expires_at)
      values (${hashToken(token)}::text, 'bootstrap', ${now}::text::timestamptz,
        ${new Date(now.getTime() + HOURS * 3_600_000)}::text::timestamptz)
      on conflict (purpose) where purpose = 'bootstrap' and used_at is null do nothing
      returning token_hash`)
    return row !== undefined
  })
  if (!made) return
  print(
    `There is no operator yet. Within ${HOURS} hours, once:\n\n` +
      `  curl -X POST ${auth.origin}${auth.platform.basePath}/api/v1/auth/bootstrap -H 'content-type: application/json' \\\n` +
      `    -d '{"token":"${token}","email":"you@example.com","password":"…"}'\n\n` +
      'or run `plinth admin:create`, which ends this offer.\n',
  )
}
