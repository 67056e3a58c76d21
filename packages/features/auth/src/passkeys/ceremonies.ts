import { hash } from 'node:crypto'
import { hashToken, statement } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { isTokenOf, makeToken } from '../one-time/token.ts'

/** How long somebody may look for his finger, in seconds. */
export const CEREMONY_SECONDS = 300

/** What a ceremony is for: an answer to one is worth nothing at another's door. */
export interface Ceremony {
  readonly purpose: 'passkey register' | 'passkey login' | 'passkey second' | 'passkey proof'
  /** Whose passkey is asked for; null where whoever comes is to be found by it. */
  readonly userId: string | null
  /** The session that asked, or the hash of the `mfa_token`; null where there is nothing yet. */
  readonly bound: string | null
}

/**
 * Begins one: a token for the client, which is kept as a hash and works once. The challenge is made of it, so that who shows an answer
 * must have begun it, and there is no second secret to store.
 */
export async function startCeremony(
  { platform }: Pick<Auth, 'platform'>,
  { purpose, userId, bound }: Ceremony,
): Promise<string> {
  const now = platform.clock.now()
  const ceremony = makeToken('passkey')
  const expires = new Date(now.getTime() + CEREMONY_SECONDS * 1000)
  await platform.database.system((system) =>
    system.run(statement`
      insert into plinth.one_time_tokens (token_hash, purpose, user_id, bound, created_at, expires_at)
      values (${hashToken(ceremony)}::text, ${purpose}::text, ${userId}::uuid, ${bound}::text, ${now}::text::timestamptz,
        ${expires}::text::timestamptz)`),
  )
  return ceremony
}

/**
 * Uses one up, whatever becomes of the answer: in one statement, so that of a hundred answers at once one is looked at.
 * @returns when it began; undefined where it is none, is over, was for something else or begun by somebody else
 */
export async function takeCeremony(
  { platform }: Pick<Auth, 'platform'>,
  { purpose, userId, bound }: Ceremony,
  ceremony: string,
): Promise<Date | undefined> {
  if (!isTokenOf('passkey', ceremony)) return undefined
  const now = platform.clock.now()
  const [row] = await platform.database.system((system) =>
    system.run(statement`
      update plinth.one_time_tokens set used_at = ${now}::text::timestamptz
      where token_hash = ${hashToken(ceremony)}::text and purpose = ${purpose}::text
        and user_id is not distinct from ${userId}::uuid and bound is not distinct from ${bound}::text
        and used_at is null and expires_at > ${now}::text::timestamptz
      returning extract(epoch from created_at)::float8 * 1000 as began`),
  )
  return row && new Date(Number(row['began']))
}

/** What the authenticator signs: 256 bits. */
export function challengeOf(ceremony: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hash('sha256', `passkey challenge ${ceremony}`, 'buffer'))
}
