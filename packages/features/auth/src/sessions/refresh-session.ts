import { audited, hashToken, statement, type AuditedCall, type SystemTransaction } from '@plinth/core'
import { randomUUID } from 'node:crypto'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import { authEvents } from '../log-events.ts'
import { isTokenOf, makeToken } from '../one-time/token.ts'

/** Seconds in which a token that was just exchanged is taken for a double click and not for a theft. */
const GRACE_SECONDS = 10

export interface Refreshed {
  readonly sessionId: string
  readonly userId: string
  readonly tenantId: string | null
  readonly refreshToken: string
}

/**
 * Exchanges a refresh token for the next one, in one statement: of a hundred that try at once, one finds it unused. One that comes
 * back after its use may be stolen (RFC 9700 §4.14.2): then the whole family ends, unless it was exchanged seconds ago and its
 * child is still unused, which is a client that asked twice.
 * @throws refresh_invalid, refresh_superseded, refresh_reused
 */
export async function refreshSession(auth: Auth, token: string, call: AuditedCall): Promise<Refreshed> {
  if (!isTokenOf('refresh', token)) throw authProblem('refresh_invalid')
  const outcome = await auth.platform.database.system(async (system) => {
    const exchanged = await exchange(auth, system, token)
    return exchanged ?? (await judge(auth, system, token, call))
  })
  // Outside of the transaction: thrown inside, it would roll back the end of the family.
  if (typeof outcome !== 'string') return outcome
  if (outcome === 'refresh_reused') auth.sessions.forget()
  throw authProblem(outcome)
}

async function exchange(auth: Auth, system: SystemTransaction, token: string): Promise<Refreshed | undefined> {
  const now = auth.platform.clock.now()
  const next = makeToken('refresh')
  const child = randomUUID()
  const idle = new Date(now.getTime() + auth.options.sessions.idleSeconds * 1000)
  const [row] = await system.run(statement`
    with used as (
      update plinth.refresh_tokens r set used_at = ${now}::text::timestamptz, child_id = ${child}::uuid
      from plinth.sessions s, plinth.users u
      where r.token_hash = ${hashToken(token)}::text and r.used_at is null and r.expires_at > ${now}::text::timestamptz
        and s.id = r.session_id and s.ended_at is null
        and s.expires_at > ${now}::text::timestamptz and s.ends_at > ${now}::text::timestamptz
        and u.id = s.owner_user_id and u.status = 'active'
      returning r.session_id, r.expires_at),
    made as (
      insert into plinth.refresh_tokens (id, session_id, token_hash, created_at, expires_at)
      select ${child}::uuid, session_id, ${hashToken(next)}::text, ${now}::text::timestamptz, expires_at from used)
    update plinth.sessions s
      set last_seen_at = ${now}::text::timestamptz, expires_at = least(s.ends_at, ${idle}::text::timestamptz)
      from used where s.id = used.session_id
      returning s.id, s.owner_user_id, s.tenant_id`)
  if (!row) return undefined
  return {
    sessionId: String(row['id']),
    userId: String(row['owner_user_id']),
    tenantId: row['tenant_id'] === null ? null : String(row['tenant_id']),
    refreshToken: next,
  }
}

/** Why it was not exchanged; a replay ends the family here. */
async function judge(
  auth: Auth,
  system: SystemTransaction,
  token: string,
  call: AuditedCall,
): Promise<'refresh_invalid' | 'refresh_superseded' | 'refresh_reused'> {
  const now = auth.platform.clock.now()
  const since = new Date(now.getTime() - GRACE_SECONDS * 1000)
  const [found] = await system.run(statement`
    select r.session_id,
      r.used_at > ${since}::text::timestamptz and exists (
        select from plinth.refresh_tokens c where c.id = r.child_id and c.used_at is null) as superseded
    from plinth.refresh_tokens r where r.token_hash = ${hashToken(token)}::text and r.used_at is not null`)
  if (!found) return 'refresh_invalid'
  if (found['superseded'] === true) return 'refresh_superseded'
  const [ended] = await system.run(statement`
    update plinth.sessions set ended_at = ${now}::text::timestamptz, ended_by = 'refresh token reused'
    where id = ${String(found['session_id'])}::uuid and ended_at is null
    returning id, owner_user_id, tenant_id`)
  if (ended)
    await audited(system, call, {
      action: 'session.reused',
      target: String(ended['id']),
      tenantId: ended['tenant_id'] === null ? null : String(ended['tenant_id']),
      outcome: 'denied',
      detail: { userId: String(ended['owner_user_id']) },
    })
  if (ended) auth.platform.log.warn(authEvents.refreshTokenReused, { session: String(ended['id']) })
  return 'refresh_reused'
}
