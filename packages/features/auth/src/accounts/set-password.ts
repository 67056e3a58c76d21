import { statement, type StatementRunner } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import type { Account } from './find-account.ts'

/** @param hash a PHC string, made outside of the transaction: it takes as long as a hundred statements */
export async function setPassword(
  { platform }: Pick<Auth, 'platform'>,
  system: StatementRunner,
  userId: string,
  hash: string,
): Promise<void> {
  const now = platform.clock.now()
  // Whoever is signing in with the old one holds this row: he is done before, and his session ends with the others, or he comes too late.
  await system.run(statement`select id from plinth.users where id = ${userId}::uuid for no key update`)
  await system.run(statement`
    insert into plinth.passwords (user_id, hash, changed_at, unproven)
    select u.id, ${hash}::text, ${now}::text::timestamptz, u.email is not null and u.email_verified_at is null
    from plinth.users u where u.id = ${userId}::uuid
    on conflict (user_id) do update set hash = excluded.hash, changed_at = excluded.changed_at, unproven = excluded.unproven`)
  // A sign-in that waits for its second factor began with the old password; a link to set a new one is not needed any more. A change
  // of address that waits for its link was asked for with the old password too: whoever had that would get the account back by it.
  await system.run(statement`
    update plinth.one_time_tokens t set used_at = ${now}::text::timestamptz
    where t.user_id = ${userId}::uuid and t.used_at is null and (t.purpose in ('mfa', 'reset')
      or t.purpose = 'verify' and not exists (
        select from plinth.users u where u.id = t.user_id and lower(u.email) = lower(t.bound)))`)
}

/** The same password under today's parameters. Only where the old hash is still there: a change meanwhile must not be undone. */
export async function rehash(auth: Auth, account: Account, password: string): Promise<void> {
  const hash = await auth.passwords.hash(password)
  await auth.platform.database.system((system) =>
    system.run(statement`
      update plinth.passwords set hash = ${hash}::text
      where user_id = ${account.userId}::uuid and hash = ${account.passwordHash}::text`),
  )
}
