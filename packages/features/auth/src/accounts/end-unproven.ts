import { statement, type SystemTransaction } from '@plinth/core'
import { revokeKeys } from '../api-keys/revoke-keys.ts'
import type { Auth } from '../auth-parts.ts'

/**
 * What was added to an account before its address was proven is nobody's proof: where accounts begin without a mail, whoever registers
 * somebody else's address could add a factor and make keys. The owner would be asked for that factor for ever. So they end with the first
 * proof, in its transaction, while the account's row is held for update. Call `apiKeys.forget` after it.
 */
export async function endUnproven(
  { platform }: Pick<Auth, 'platform'>,
  system: SystemTransaction,
  userId: string,
): Promise<void> {
  await system.run(statement`delete from plinth.mfa_devices where user_id = ${userId}::uuid`)
  await system.run(statement`delete from plinth.recovery_codes where user_id = ${userId}::uuid`)
  await revokeKeys(system, platform.clock.now(), { ownerId: userId })
}
