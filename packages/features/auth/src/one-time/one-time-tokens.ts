import { hashToken, statement, type StatementRunner } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { isTokenOf, makeToken, type TokenKind } from './token.ts'

export interface OneTimeDraft {
  readonly purpose: Extract<TokenKind, 'reset' | 'verify' | 'mfa'>
  readonly userId: string
  /** What it is bound to beside the user: the address to which it is sent. */
  readonly bound: string | null
  readonly seconds: number
}

/** A token that works once. Those of the same purpose that the user had before end: the newest mail is the one that counts. */
export async function makeOneTimeToken(
  { platform }: Pick<Auth, 'platform'>,
  system: StatementRunner,
  { purpose, userId, bound, seconds }: OneTimeDraft,
): Promise<string> {
  const now = platform.clock.now()
  const token = makeToken(purpose)
  const expires = new Date(now.getTime() + seconds * 1000)
  if (purpose !== 'mfa')
    await system.run(statement`
      update plinth.one_time_tokens set used_at = ${now}::text::timestamptz
      where user_id = ${userId}::uuid and purpose = ${purpose}::text and used_at is null`)
  await system.run(statement`
    insert into plinth.one_time_tokens (token_hash, purpose, user_id, bound, created_at, expires_at)
    values (${hashToken(token)}::text, ${purpose}::text, ${userId}::uuid, ${bound}::text, ${now}::text::timestamptz,
      ${expires}::text::timestamptz)`)
  return token
}

export interface OneTimeToken {
  readonly userId: string
  readonly bound: string | null
}

/** Whom a token is for, while it is valid; uses nothing up. */
export async function peekOneTimeToken(
  { platform }: Pick<Auth, 'platform'>,
  purpose: OneTimeDraft['purpose'],
  token: string,
): Promise<OneTimeToken | undefined> {
  if (!isTokenOf(purpose, token)) return undefined
  const now = platform.clock.now()
  const [row] = await platform.database.system((system) =>
    system.run(statement`
      select user_id, bound from plinth.one_time_tokens
      where token_hash = ${hashToken(token)}::text and purpose = ${purpose}::text and used_at is null
        and expires_at > ${now}::text::timestamptz`),
  )
  return row && { userId: String(row['user_id']), bound: row['bound'] === null ? null : String(row['bound']) }
}

/** Uses a token up, in one statement: of a hundred that show it at once, one gets it. */
export async function takeOneTimeToken(
  { platform }: Pick<Auth, 'platform'>,
  system: StatementRunner,
  purpose: OneTimeDraft['purpose'],
  token: string,
): Promise<OneTimeToken | undefined> {
  if (!isTokenOf(purpose, token)) return undefined
  const now = platform.clock.now()
  const [row] = await system.run(statement`
    update plinth.one_time_tokens set used_at = ${now}::text::timestamptz
    where token_hash = ${hashToken(token)}::text and purpose = ${purpose}::text and used_at is null
      and expires_at > ${now}::text::timestamptz
    returning user_id, bound`)
  return row && { userId: String(row['user_id']), bound: row['bound'] === null ? null : String(row['bound']) }
}
