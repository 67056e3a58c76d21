import { problem, type IdempotencyKey, type KeyClaim, type Scope } from '@plinth/core'
import { classify } from '../errors/connection-trouble.ts'
import type { Runner } from '../session/runner.ts'
import { BARRIER } from '../statements/read.ts'
import { scopeClause, scopedStatement } from '../statements/scope-clause.ts'

/** Distinguishes our advisory locks from those of other software in the same database. */
const SEED = 7_305_512_206
const KEYS_TABLE = '"plinth"."idempotency_keys"'

const lockText = `select pg_try_advisory_xact_lock(hashtextextended($1::text, ${SEED})) as "locked"`

const thisKey = 'c.t is not null and k.tenant_id = $1::uuid and k.principal = $3::text and k.key = $4::text'
const expired = 'k.expires_at <= $5::text::timestamp with time zone'

const findText =
  `${scopeClause(false)} select k.* from c cross join lateral (` +
  ` select k.fingerprint, k.sealed, ${expired} as "expired" from ${KEYS_TABLE} k where ${thisKey}${BARRIER}) k`

// Only after the lookup: by then the tenant of the transaction is set, and the policy does not depend on `c` of this one.
const dropText = `${scopeClause(false)} delete from ${KEYS_TABLE} k using c where ${thisKey} and ${expired}`

const keepText =
  `${scopeClause(false)} insert into ${KEYS_TABLE} (tenant_id, principal, key, fingerprint, sealed, created_at, expires_at)` +
  ' select $1::uuid, $3::text, $4::text, $5::text, $6::text, $7::text::timestamp with time zone, $8::text::timestamp with time zone' +
  ' from c where c.t is not null'

/** A key belongs to a tenant and a principal: another principal's answer is never replayed. */
function principalOf(scope: Scope): string {
  return `${scope.actor.kind}:${scope.actor.id}`
}

/**
 * Claims an idempotency key until the end of the transaction, without waiting for another holder: it answers 409 at once
 * instead of holding a connection.
 *
 * Lock and lookup are two statements on purpose. A statement sees what was committed when it began; in one statement, the
 * snapshot would be older than the lock, and the answer of a request that committed in between would be missed and its work
 * done again.
 */
export async function claimKey(runner: Runner, scope: Scope, key: IdempotencyKey): Promise<KeyClaim> {
  const principal = principalOf(scope)
  // Lengths, so that no two triples make the same text.
  const lock = `${scope.tenantId.toLowerCase()}|${principal.length}|${principal}|${key.key}`
  const [got] = await runner.run({ text: lockText, parameters: [lock], shape: 'fixed' }, 'other')
  if (got?.['locked'] !== true) return { found: 'running' }
  const { parameters } = scopedStatement(scope, false)
  parameters.push(principal, key.key, scope.now.toISOString())
  const [kept] = await runner.run({ text: findText, parameters, shape: 'fixed' }, 'other')
  if (!kept) return { found: 'nothing' }
  if (kept['expired'] === true) {
    await runner.run({ text: dropText, parameters, shape: 'fixed' }, 'other')
    return { found: 'nothing' }
  }
  if (!key.matches(String(kept['fingerprint']))) return { found: 'other' }
  return { found: 'answer', sealed: String(kept['sealed']) }
}

/**
 * Keeps the answer under the claimed key. The primary key is the last line of defence: should two requests ever hold one key,
 * the second finds the answer of the first here and is rolled back.
 * @throws idempotency_in_progress
 */
export async function keepAnswer(
  runner: Runner,
  scope: Scope,
  key: IdempotencyKey,
  sealed: string,
  expiresAt: Date,
): Promise<void> {
  const { parameters } = scopedStatement(scope, false)
  parameters.push(
    principalOf(scope),
    key.key,
    key.fingerprint,
    sealed,
    scope.now.toISOString(),
    expiresAt.toISOString(),
  )
  try {
    await runner.run({ text: keepText, parameters, shape: 'fixed' }, 'other')
  } catch (error) {
    if (classify(error).code !== '23505') throw error
    throw problem('idempotency_in_progress', { headers: { 'retry-after': '1' }, cause: error })
  }
}
