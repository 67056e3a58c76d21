import { randomUUID } from 'node:crypto'
import type { Principal } from '../auth/principal.ts'
import type { PlinthError } from '../errors/plinth-error.ts'
import type { PublicCall } from '../pipeline/call.ts'
import { behalfOf } from '../policy/behalf-of.ts'
import type { AuditActor, AuditDraft } from '../ports/audit.ts'
import type { StatementRunner, SystemTransaction } from '../ports/database.ts'
import { statement } from '../ports/statement.ts'
import type { Platform } from './platform.ts'

/** The request in which something is done: where from, and by whom where he is known. */
export interface AuditedCall extends Pick<PublicCall, 'platform' | 'client' | 'requestId'> {
  readonly principal?: Principal
}

/** What was done. */
export interface AuditedAct extends Pick<AuditDraft, 'action' | 'target' | 'outcome' | 'detail' | 'changes'> {
  /** Who did it, where the call does not know him: a sign-in. */
  readonly actor?: AuditActor
  /** In which tenant; default: that of the session, else none. */
  readonly tenantId?: string | null
}

/** What somebody did with his account and in no tenant: by the link in a mail. */
export interface AccountAct extends Omit<AuditedAct, 'tenantId' | 'actor'> {
  /** Whose account. */
  readonly account: string
}

/** Writes the entry of what a hand-written statement does, in its transaction. Without a feature that keeps entries it does nothing. */
export async function audited(runner: StatementRunner, call: AuditedCall, act: AuditedAct | AccountAct): Promise<void> {
  const { platform, client, requestId, principal } = call
  if (!platform.audit) return
  if ('account' in act) return auditedEverywhere(runner, call, act)
  const { actor = principal ?? { kind: 'anonymous', id: '' }, tenantId = ownTenant(principal), ...what } = act
  await platform.audit.record(runner, {
    ...what,
    actor: { kind: actor.kind, id: actor.id },
    tenantId,
    onBehalfOf: principal ? behalfOf(principal) : null,
    requestId,
    client,
    time: platform.clock.now(),
  })
}

/** Each of his tenants learns of it, since it opens them all; the platform where he has none. */
async function auditedEverywhere(runner: StatementRunner, call: AuditedCall, act: AccountAct): Promise<void> {
  const { account, ...what } = act
  const rows = await runner.run(statement`
    select tenant_id from plinth.memberships where user_id = ${account}::uuid order by tenant_id`)
  const tenants = rows.length === 0 ? [null] : rows.map((row) => String(row['tenant_id']))
  for (const tenantId of tenants)
    await audited(runner, call, { target: account, ...what, actor: { kind: 'user', id: account }, tenantId })
}

/**
 * The entry of what is done where the database is, by a command, a clock or the program itself: there is no request, and whoever runs it
 * shows nobody's credential, so that no name of his would be more than a word. Its actor is the platform.
 */
export async function auditedByPlatform(
  runner: StatementRunner,
  platform: Pick<Platform, 'audit' | 'clock'>,
  { tenantId = null, actor = { kind: 'system', id: 'system' }, ...what }: AuditedAct,
): Promise<void> {
  await platform.audit?.record(runner, {
    ...what,
    actor: { kind: actor.kind, id: actor.id },
    tenantId,
    requestId: randomUUID(),
    time: platform.clock.now(),
  })
}

/**
 * Work of the system for one request, and its entry: both or neither.
 * @param act from the result; undefined where nothing was done after all
 */
export function auditedSystem<T>(
  call: AuditedCall,
  work: (system: SystemTransaction) => Promise<T>,
  act: (result: T) => AuditedAct | AccountAct | undefined,
): Promise<T> {
  return call.platform.database.system(async (system) => {
    const result = await work(system)
    const done = act(result)
    if (done) await audited(system, call, done)
    return result
  })
}

/**
 * Tells that something was refused or went wrong, after the answer; it holds nothing up and never throws.
 * @param error whose code is kept; `concerns` names the account where nobody showed who he is
 */
export function auditRefusal(call: AuditedCall, act: Omit<AuditedAct, 'outcome' | 'detail'>, error: PlinthError): void {
  const { platform, client, requestId, principal } = call
  const { actor = principal ?? { kind: 'anonymous', id: '' }, tenantId = ownTenant(principal), ...what } = act
  platform.audit?.refused({
    action: what.action,
    target: what.target ?? error.concerns,
    actor: { kind: actor.kind, id: actor.id },
    tenantId,
    onBehalfOf: principal ? behalfOf(principal) : null,
    outcome: error.status === 403 ? 'denied' : 'failed',
    requestId,
    client,
    time: platform.clock.now(),
    detail: { status: error.status, code: error.code },
  })
}

const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/

/** Sessions name their tenant by its id. A slug is a service's, and no service comes here without a tenant. */
function ownTenant(principal: Principal | undefined): string | null {
  const tenant = principal?.tenant ?? null
  return tenant !== null && uuid.test(tenant) ? tenant : null
}
