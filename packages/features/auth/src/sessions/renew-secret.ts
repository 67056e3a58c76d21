import { hashToken, statement, type SystemTransaction } from '@plinth/core'
import { randomUUID } from 'node:crypto'
import type { Auth } from '../auth-parts.ts'
import { makeToken } from '../one-time/token.ts'

/**
 * The session stays, what opens it changes: after a change of rights, whoever knew the old cookie or refresh token has nothing.
 * @returns the new cookie or refresh token; undefined where the session has ended
 */
export async function renewSecret(
  { platform }: Pick<Auth, 'platform'>,
  system: SystemTransaction,
  sessionId: string,
): Promise<string | undefined> {
  const now = platform.clock.now()
  const [session] = await system.run(statement`
    select kind, ends_at::text as ends_at from plinth.sessions where id = ${sessionId}::uuid and ended_at is null for update`)
  if (!session) return undefined
  if (session['kind'] === 'cookie') {
    const secret = makeToken('session')
    await system.run(statement`
      update plinth.sessions set token_hash = ${hashToken(secret)}::text, updated_at = ${now}::text::timestamptz
      where id = ${sessionId}::uuid`)
    return secret
  }
  const secret = makeToken('refresh')
  const id = randomUUID()
  await system.run(statement`
    update plinth.refresh_tokens set used_at = ${now}::text::timestamptz, child_id = ${id}::uuid
    where session_id = ${sessionId}::uuid and used_at is null`)
  await system.run(statement`
    insert into plinth.refresh_tokens (id, session_id, token_hash, created_at, expires_at)
    values (${id}::uuid, ${sessionId}::uuid, ${hashToken(secret)}::text, ${now}::text::timestamptz,
      ${String(session['ends_at'])}::text::timestamptz)`)
  return secret
}
