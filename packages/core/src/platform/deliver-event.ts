import { systemPrincipal } from '../auth/system-principal.ts'
import { readEvent } from '../events/read-event.ts'
import { scopeOf } from '../pipeline/data.ts'
import type { EventRecord } from '../events/event-record.ts'
import { transactionContext } from '../resource/transaction-context.ts'
import type { Platform } from './platform.ts'

/** Hands one committed event to every handler of its type, each in a transaction of its own in the event's tenant. */
export async function deliverEvent(platform: Platform, stored: EventRecord): Promise<void> {
  const { registry, database } = platform
  const handlers = registry.handlers.get(stored.type) ?? []
  if (handlers.length === 0) return
  const tenant = await database.findTenant(stored.tenantId)
  if (!tenant) return // gone since; its rows are gone with it
  const event = readEvent(registry.events, stored)
  for (const { name, run } of handlers) {
    const principal = systemPrincipal(registry.permissions, `${name}: ${event.type}`)
    const scope = scopeOf(platform, { principal, tenant, requestId: event.requestId })
    await database.systemTransaction(scope, (transaction) =>
      run(transactionContext({ platform, scope, transaction, principal, tenant }), event),
    )
  }
}
