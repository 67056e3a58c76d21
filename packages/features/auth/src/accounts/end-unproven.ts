import { statement, type StatementRunner, type SystemTransaction } from '@plinth/core'
import { revokeKeys } from '../api-keys/revoke-keys.ts'
import type { Auth } from '../auth-parts.ts'

/**
 * What was added to an account before its address was proven is nobody's proof: where accounts begin without a mail, whoever registers
 * somebody else's address chose the password, and could add a factor and make keys (pre-hijacking: Sudhodanan and Paverd, USENIX Security
 * 2022). With the address proven, he would be in the owner's account, and the owner be asked for his factor for ever. So all of it ends
 * with the first proof, in its transaction, while the account's row is held for update. Call `apiKeys.forget` after it.
 * @returns whether the password is gone: a sign-in that waits for its second factor began with it, and ends too
 */
export async function endUnproven(
  { platform }: Pick<Auth, 'platform'>,
  system: SystemTransaction,
  userId: string,
): Promise<boolean> {
  const now = platform.clock.now()
  await system.run(statement`delete from plinth.mfa_devices where user_id = ${userId}::uuid and unproven`)
  await system.run(statement`delete from plinth.recovery_codes where user_id = ${userId}::uuid and unproven`)
  await revokeKeys(system, now, { ownerId: userId, unproven: true })
  const [gone] = await system.run(statement`
    delete from plinth.passwords where user_id = ${userId}::uuid and unproven returning user_id`)
  if (!gone) return false
  await system.run(statement`
    update plinth.one_time_tokens set used_at = ${now}::text::timestamptz
    where user_id = ${userId}::uuid and used_at is null and purpose = 'mfa'`)
  return true
}

/** Who proves the address and shows the account, by a session of it or its password, made it: what he added is his. */
export async function keepUnproven(system: StatementRunner, userId: string): Promise<void> {
  await system.run(statement`update plinth.passwords set unproven = false where user_id = ${userId}::uuid and unproven`)
  await system.run(
    statement`update plinth.mfa_devices set unproven = false where user_id = ${userId}::uuid and unproven`,
  )
  await system.run(statement`
    update plinth.recovery_codes set unproven = false where user_id = ${userId}::uuid and unproven`)
  await system.run(statement`
    update plinth.api_keys set unproven = false where owner_user_id = ${userId}::uuid and unproven`)
}
