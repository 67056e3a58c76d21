import { statement, type StatementRunner } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { hashRecoveryCode } from './recovery-codes.ts'
import { totpStep } from './totp.ts'

/** What was shown as a second factor: a code of an authenticator, or one for who lost it. */
export interface ShownFactor {
  readonly code?: string | undefined
  readonly recoveryCode?: string | undefined
}

/** What a sealed secret is bound to: one user's does not open as another's. */
export const secretContext = (userId: string): string => `mfa|${userId}`

/**
 * Takes a code of any confirmed factor of this user, each once: the step of a code is moved forward in one statement, which finds it
 * moved already when the same code comes twice. Ask `guard.code` before, and refund it after.
 */
export async function takeSecondFactor(
  { platform }: Pick<Auth, 'platform'>,
  system: StatementRunner,
  userId: string,
  code: string,
): Promise<boolean> {
  const now = platform.clock.now()
  const devices = await system.run(statement`
    select id, secret, last_step::text as last_step from plinth.mfa_devices
    where user_id = ${userId}::uuid and kind = 'totp' and confirmed_at is not null`)
  for (const device of devices) {
    const secret = platform.secrets.open(String(device['secret']), secretContext(userId))
    const last = device['last_step'] === null ? null : Number(device['last_step'])
    const step = totpStep(secret, code, now, last)
    if (step === undefined) continue
    const [taken] = await system.run(statement`
      update plinth.mfa_devices set last_step = ${step}::int8, last_used_at = ${now}::text::timestamptz
      where id = ${String(device['id'])}::uuid and (last_step is null or last_step < ${step}::int8)
      returning id`)
    if (taken) return true
  }
  return false
}

/** Takes a recovery code, once. */
export async function takeRecoveryCode(
  { platform }: Pick<Auth, 'platform'>,
  system: StatementRunner,
  userId: string,
  code: string,
): Promise<boolean> {
  const hashed = hashRecoveryCode(userId, code)
  if (hashed === undefined) return false
  const now = platform.clock.now()
  const [taken] = await system.run(statement`
    update plinth.recovery_codes set used_at = ${now}::text::timestamptz
    where user_id = ${userId}::uuid and code_hash = ${hashed}::text and used_at is null
    returning user_id`)
  return taken !== undefined
}

/** Takes whichever of the two was shown; nothing shown is nothing taken. */
export async function takeShown(
  auth: Pick<Auth, 'platform'>,
  system: StatementRunner,
  userId: string,
  { code, recoveryCode }: ShownFactor,
): Promise<boolean> {
  if (code !== undefined) return takeSecondFactor(auth, system, userId, code)
  return recoveryCode !== undefined && takeRecoveryCode(auth, system, userId, recoveryCode)
}
