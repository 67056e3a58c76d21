import { statement, type SystemTransaction } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { authEvents } from '../log-events.ts'
import { sendNotice } from '../mails/account-mails.ts'
import { takeCeremony, type Ceremony } from './ceremonies.ts'
import { findPasskey, isHandleOf, type FoundPasskey } from './find-passkey.ts'
import type { ShownPasskey } from './shown-passkey.ts'
import { verifyAssertion, type Assertion } from './verify-passkey.ts'

/** An answer that is believed, and has not counted yet. */
export interface BelievedPasskey extends FoundPasskey {
  readonly assertion: Assertion
  /** When it was asked for. */
  readonly began: Date
}

/**
 * Uses up the ceremony and judges the answer. Slow work, so outside of transactions; nothing follows from it before
 * {@link takePasskey}.
 * @returns undefined where it is not believed, whatever the reason: an unknown passkey, one of a suspended user, a wrong signature
 */
export async function believePasskey(
  auth: Auth,
  of: Ceremony,
  shown: ShownPasskey,
): Promise<BelievedPasskey | undefined> {
  const began = await takeCeremony(auth, of, shown.ceremony)
  if (!began) return undefined
  const { userHandle } = shown.credential.response
  const found = await findPasskey(auth.platform, shown.credential.id, of.userId ?? undefined)
  if (!found) return undefined
  // Where nobody was named the authenticator has to say who it is for (WebAuthn §7.2, step 6); elsewhere it may, and rightly.
  const named = of.userId === null || userHandle != null
  if (named && !isHandleOf(found.userId, userHandle)) return undefined
  const assertion = await verifyAssertion(auth, shown, found.publicKey)
  return assertion && { ...found, assertion, began }
}

/**
 * `taken`; `password` where it is one that does not sign in without the password; `refused` where it was removed meanwhile, or its counter
 * went backwards.
 */
export type TakenPasskey = 'taken' | 'password' | 'refused'

/**
 * Counts its use, in one statement: a counter that is not beyond the last one is that of a copy (WebAuthn §6.1.1), and such a passkey is
 * refused from then on. Authenticators that sync count nothing, and say 0 each time. An older count that was asked for before the last
 * use may only have come late, from another tab: it is refused, and the passkey is none the worse. The same count twice is never that.
 * @param beside what it was shown beside: the password of now, so that it signs in alone from now on; nothing, where it has to be one that
 * may; or a session, of which neither is asked
 */
export async function takePasskey(
  auth: Auth,
  system: SystemTransaction,
  { id, userId, assertion, began }: BelievedPasskey,
  beside: 'password' | 'nothing' | 'session',
): Promise<TakenPasskey> {
  const now = auth.platform.clock.now()
  const { counter, backedUp } = assertion
  const [used] = await system.run(statement`
    update plinth.mfa_devices d set sign_count = ${counter}::int8, backed_up = ${backedUp}::boolean,
      last_used_at = ${now}::text::timestamptz,
      password_since = case when ${beside}::text = 'password' then p.changed_at else d.password_since end
    from plinth.users u left join plinth.passwords p on p.user_id = u.id
    where d.id = ${id}::uuid and u.id = d.user_id and d.refused_at is null
      and (d.sign_count < ${counter}::int8 or (d.sign_count = 0 and ${counter}::int8 = 0))
    returning d.password_since is not distinct from p.changed_at as alone`)
  if (used) return beside === 'nothing' && used['alone'] !== true ? 'password' : 'taken'
  const [marked] = await system.run(statement`
    update plinth.mfa_devices set refused_at = ${now}::text::timestamptz
    where id = ${id}::uuid and refused_at is null
      and (sign_count = ${counter}::int8 or last_used_at is null or last_used_at <= ${began}::text::timestamptz)
    returning id`)
  if (marked) {
    auth.platform.log.warn(authEvents.passkeyCopied, { user: userId, passkey: id })
    const [user] = await system.run(statement`select email from plinth.users where id = ${userId}::uuid`)
    if (typeof user?.['email'] === 'string')
      sendNotice(auth, user['email'], 'A passkey of yours may have been copied, and is refused from now on')
  }
  return 'refused'
}
