import { hashToken, statement, type Client, type StatementRunner } from '@plinth/core'
import { randomUUID } from 'node:crypto'
import type { Auth } from '../auth-parts.ts'
import { makeToken } from '../one-time/token.ts'

export interface SessionDraft {
  readonly userId: string
  readonly tenantId: string | null
  readonly kind: 'cookie' | 'token'
  readonly secondFactor: boolean
  readonly client: Client
}

/** What was just made. The secrets are shown to the caller once, and kept nowhere. */
export interface StartedSession {
  readonly id: string
  /** The cookie, or the first refresh token. */
  readonly secret: string
  /** Seconds until it ends whatever happens. */
  readonly lifetime: number
}

/** A new session, in the transaction of what led to it. Always a new one: an id that was there before a sign-in could be a planted one. */
export async function startSession(auth: Auth, system: StatementRunner, draft: SessionDraft): Promise<StartedSession> {
  const id = randomUUID()
  const { clock } = auth.platform
  const now = clock.now()
  const { idleSeconds, absoluteSeconds } = auth.options.sessions
  const after = (seconds: number): Date => new Date(now.getTime() + seconds * 1000)
  const secret = makeToken(draft.kind === 'cookie' ? 'session' : 'refresh')
  const cookieHash = draft.kind === 'cookie' ? hashToken(secret) : null
  await system.run(statement`
    insert into plinth.sessions (id, tenant_id, owner_user_id, created_at, updated_at, kind, token_hash, second_factor,
      authenticated_at, last_seen_at, expires_at, ends_at, address, user_agent)
    values (${id}::uuid, ${draft.tenantId}::uuid, ${draft.userId}::uuid, ${now}::text::timestamptz, ${now}::text::timestamptz,
      ${draft.kind}::text, ${cookieHash}::text, ${draft.secondFactor}::boolean, ${now}::text::timestamptz,
      ${now}::text::timestamptz, ${after(Math.min(idleSeconds, absoluteSeconds))}::text::timestamptz,
      ${after(absoluteSeconds)}::text::timestamptz, ${draft.client.address ?? null}::text, ${draft.client.userAgent ?? null}::text)`)
  if (draft.kind === 'token') await addRefreshToken(system, id, secret, now, after(absoluteSeconds))
  return { id, secret, lifetime: absoluteSeconds }
}

async function addRefreshToken(
  system: StatementRunner,
  sessionId: string,
  token: string,
  now: Date,
  expires: Date,
): Promise<void> {
  await system.run(statement`
    insert into plinth.refresh_tokens (id, session_id, token_hash, created_at, expires_at)
    values (${randomUUID()}::uuid, ${sessionId}::uuid, ${hashToken(token)}::text, ${now}::text::timestamptz,
      ${expires}::text::timestamptz)`)
}
