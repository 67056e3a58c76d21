import { randomUUID } from 'node:crypto'
import { systemPrincipal } from '../auth/system-principal.ts'
import { problem } from '../errors/plinth-error.ts'
import { logEvents } from '../logging/events.ts'
import { scopeOf } from '../pipeline/data.ts'
import type { Transaction } from '../ports/database.ts'
import type { Context } from '../resource/context.ts'
import { transactionContext } from '../resource/transaction-context.ts'
import type { Platform } from './platform.ts'

/**
 * Work of the platform itself in one tenant, in one transaction; the reason is logged.
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
  return database.systemTransaction(scope, async (transaction) => {
    await platform.audit?.record(transaction, {
      tenantId: known.id,
      actor: scope.actor,
      action: 'system.access',
      requestId,
      time: scope.now,
      detail: { reason },
    })
    return work(transactionContext({ platform, scope, transaction, principal, tenant: known }), transaction)
  })
}
