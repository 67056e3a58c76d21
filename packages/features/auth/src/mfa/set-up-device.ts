import {
  auditedSystem,
  problem,
  statement,
  type AuditedCall,
  type Principal,
  type SystemTransaction,
} from '@plinth/core'
import { randomUUID } from 'node:crypto'
import type { Account } from '../accounts/find-account.ts'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import { qrSvg } from './qr-code.ts'
import { replaceRecoveryCodes } from './replace-recovery-codes.ts'
import { secretContext } from './take-second-factor.ts'
import { makeTotpSecret, totpStep, totpUri } from './totp.ts'

/** How long a factor waits to be confirmed: its secret stood on a screen. */
const PENDING_MS = 15 * 60_000
/** Codes and passkeys together. */
export const MOST_DEVICES = 10

export interface PendingDevice {
  readonly id: string
  /** Base32, for who cannot scan the code. */
  readonly secret: string
  readonly otpauthUri: string
  /** SVG. */
  readonly qr: string
}

/**
 * A factor that counts for nothing until a code of it was shown. Replaces the one that was set up before and never confirmed.
 * @param call who asks for it
 * @param began before its holder proved who he is: a factor that is added from then on has not been asked for
 * @throws conflict where there are ten already
 */
export async function setUpDevice(
  auth: Auth,
  call: AuditedCall,
  account: Account,
  { name, began }: { readonly name: string; readonly began: Date },
): Promise<PendingDevice> {
  const { platform } = auth
  const { userId } = account
  const id = randomUUID()
  const secret = makeTotpSecret()
  const sealed = platform.secrets.seal(secret, secretContext(userId))
  const [made] = await auditedSystem(
    call,
    (system) =>
      system.run(statement`
      insert into plinth.mfa_devices (id, user_id, name, kind, secret, created_at, unproven)
      select ${id}::uuid, u.id, ${name}::text, 'totp', ${sealed}::text, ${began}::text::timestamptz,
        u.email is not null and u.email_verified_at is null
      from plinth.users u where u.id = ${userId}::uuid and (select count(*) from plinth.mfa_devices where user_id = ${userId}::uuid and confirmed_at is not null) < ${MOST_DEVICES}::int
      on conflict (user_id) where confirmed_at is null
        do update set id = excluded.id, name = excluded.name, secret = excluded.secret, created_at = excluded.created_at,
          unproven = excluded.unproven
      returning id`),
    ([found]) => (found ? { action: 'secondFactor.begun', target: id, detail: { kind: 'totp' } } : undefined),
  )
  if (!made) throw problem('conflict', { detail: `${MOST_DEVICES} second factors are the most. Remove one first.` })
  const holder = account.email ?? account.username ?? account.name
  const otpauthUri = totpUri({ secret, issuer: platform.title, account: holder })
  return { id, secret, otpauthUri, qr: qrSvg(otpauthUri) }
}

/**
 * A first code confirms the pending factor, and is used up by it: the UPDATE finds it unconfirmed once.
 * @returns new recovery codes, in the place of the old ones
 * @throws factor_missing, invalid_code; proof_required where the account got another factor since this one was set up, and this session
 * has not shown it: who stole the session would be in for good
 */
export async function confirmDevice(
  auth: Auth,
  system: SystemTransaction,
  { id: userId, session }: Principal,
  code: string,
): Promise<readonly string[]> {
  const { platform } = auth
  const now = platform.clock.now()
  const since = new Date(now.getTime() - PENDING_MS)
  // A passkey that is added meanwhile is seen by what follows, or sees this factor.
  await system.run(statement`select id from plinth.users where id = ${userId}::uuid for no key update`)
  const [device] = await system.run(statement`
    select d.id, d.secret, not s.second_factor and exists (
      select from plinth.mfa_devices o where o.user_id = d.user_id and o.confirmed_at >= d.created_at) as outdated
    from plinth.mfa_devices d join plinth.sessions s on s.id = ${session!.id}::uuid
    where d.user_id = ${userId}::uuid and d.confirmed_at is null and d.created_at > ${since}::text::timestamptz`)
  if (!device) throw authProblem('factor_missing')
  if (device['outdated'] === true) throw authProblem('proof_required')
  const step = totpStep(platform.secrets.open(String(device['secret']), secretContext(userId)), code, now)
  if (step === undefined) throw authProblem('invalid_code')
  const [confirmed] = await system.run(statement`
    update plinth.mfa_devices
    set confirmed_at = ${now}::text::timestamptz, last_used_at = ${now}::text::timestamptz, last_step = ${step}::int8
    where id = ${String(device['id'])}::uuid and confirmed_at is null
    returning id`)
  if (!confirmed) throw authProblem('factor_missing')
  return replaceRecoveryCodes(auth, system, userId)
}
