import { statement, type StatementRunner } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { hashRecoveryCode, makeRecoveryCodes } from './recovery-codes.ts'

/** Ten new codes; those before are worth nothing any more. They are shown once and kept as hashes. */
export async function replaceRecoveryCodes(
  { platform }: Pick<Auth, 'platform'>,
  system: StatementRunner,
  userId: string,
): Promise<readonly string[]> {
  const codes = makeRecoveryCodes()
  const hashes = codes.map((code) => hashRecoveryCode(userId, code)!)
  const now = platform.clock.now()
  // Two who replace them at once: the second one waits, and its set is the one that stays.
  await system.run(statement`select id from plinth.users where id = ${userId}::uuid for no key update`)
  await system.run(statement`delete from plinth.recovery_codes where user_id = ${userId}::uuid`)
  await system.run(statement`
    insert into plinth.recovery_codes (user_id, code_hash, created_at, unproven)
    select u.id, h, ${now}::text::timestamptz, u.email is not null and u.email_verified_at is null
    from plinth.users u, unnest(${hashes}::text::text[]) h where u.id = ${userId}::uuid`)
  return codes
}
