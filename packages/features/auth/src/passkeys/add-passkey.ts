import { randomUUID } from 'node:crypto'
import { problem, statement, type Principal, type SystemTransaction } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import { replaceRecoveryCodes } from '../mfa/replace-recovery-codes.ts'
import { MOST_DEVICES } from '../mfa/set-up-device.ts'
import type { NewPasskey } from './verify-passkey.ts'

export interface AddedPasskey {
  readonly id: string
  /** Where there were none left: the first factor brings them. */
  readonly recoveryCodes: readonly string[] | undefined
}

export interface PasskeyDraft {
  readonly passkey: NewPasskey
  readonly name: string
  /** When it was asked for. */
  readonly began: Date
}

/**
 * @throws passkey_taken where it is somebody's already, whoever's; conflict where there are ten factors; proof_required where the account
 * got another factor since this was asked for, and this session has not shown it: who stole the session would be in for good
 */
export async function addPasskey(
  auth: Auth,
  system: SystemTransaction,
  { id: userId, session }: Principal,
  { passkey, name, began }: PasskeyDraft,
): Promise<AddedPasskey> {
  const { platform } = auth
  const id = randomUUID()
  const now = platform.clock.now()
  // Two that are added at once are counted one after the other, and so is a password that is set meanwhile.
  await system.run(statement`select id from plinth.users where id = ${userId}::uuid for no key update`)
  const [stand] = await system.run(statement`
    select count(*)::int as count,
      coalesce(bool_or(d.confirmed_at >= ${began}::text::timestamptz), false)
        and not (select s.second_factor from plinth.sessions s where s.id = ${session!.id}::uuid) as outdated
    from plinth.mfa_devices d where d.user_id = ${userId}::uuid and d.confirmed_at is not null`)
  if (stand!['outdated'] === true) throw authProblem('proof_required')
  if (Number(stand!['count']) >= MOST_DEVICES)
    throw problem('conflict', { detail: `${MOST_DEVICES} second factors are the most. Remove one first.` })
  const [added] = await system.run(statement`
    insert into plinth.mfa_devices (id, user_id, name, kind, credential_id, public_key, sign_count, transports, backed_up, created_at,
      confirmed_at, password_since, unproven)
    select ${id}::uuid, u.id, ${name}::text, 'passkey', ${passkey.credentialId}::text, ${passkey.publicKey}::text,
      ${passkey.counter}::int8, ${passkey.transports}::text::text[], ${passkey.backedUp}::boolean, ${now}::text::timestamptz,
      ${now}::text::timestamptz, (select changed_at from plinth.passwords where user_id = ${userId}::uuid),
      u.email is not null and u.email_verified_at is null
    from plinth.users u where u.id = ${userId}::uuid
    on conflict (credential_id) do nothing
    returning id`)
  if (!added) throw authProblem('passkey_taken')
  const [code] = await system.run(statement`
    select 1 as left from plinth.recovery_codes where user_id = ${userId}::uuid and used_at is null limit 1`)
  return { id, recoveryCodes: code ? undefined : await replaceRecoveryCodes(auth, system, userId) }
}
