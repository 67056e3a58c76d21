import { randomUUID } from 'node:crypto'
import { systemPrincipal } from '../auth/system-principal.ts'
import { PlinthError, problem } from '../errors/plinth-error.ts'
import { logEvents } from '../logging/events.ts'
import { scopeOf } from '../pipeline/data.ts'
import type { AuditDraft } from '../ports/audit.ts'
import type { Transaction } from '../ports/database.ts'
import type { Context } from '../resource/context.ts'
import { transactionContext } from '../resource/transaction-context.ts'
import type { Platform } from './platform.ts'

/**
 * Work of the platform itself in one tenant, in one transaction; the reason is logged. The entry is in that transaction, so that what was
 * written and the entry are one. Work that throws takes its entry back with it, and may have read all of the tenant by then: it is told
 * after that, as `failed`.
 * @param tenant id or slug
 * @throws not_found where there is no such tenant, and what the work throws
 */
export async function asSystem<T>(
  platform: Platform,
  reason: string,
  tenant: string,
  work: (context: Context, transaction: Transaction) => Promise<T>,
): Promise<T> {
  const { database, log, registry } = platform
  const known = await database.findTenant(tenant)
  if (!known) throw problem('not_found', { detail: `There is no tenant ${tenant}.` })
  const principal = systemPrincipal(registry.permissions, reason)
  const requestId = randomUUID()
  log.info(logEvents.systemAccess, { reason, tenant: known.slug, requestId })
  const scope = scopeOf(platform, { principal, tenant: known, requestId })
  const entry: AuditDraft = {
    tenantId: known.id,
    actor: scope.actor,
    action: 'system.access',
    requestId,
    time: scope.now,
    detail: { reason },
  }
  try {
    return await database.systemTransaction(scope, async (transaction) => {
      await platform.audit?.record(transaction, entry)
      return work(transactionContext({ platform, scope, transaction, principal, tenant: known }), transaction)
    })
  } catch (error) {
    // Its code and not its words: those are the work's own, and may say what it has read.
    const code = PlinthError.is(error) ? error.code : 'internal_error'
    platform.audit?.refused({ ...entry, outcome: 'failed', detail: { reason, code } })
    throw error
  }
}
