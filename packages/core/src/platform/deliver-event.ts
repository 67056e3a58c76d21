import { systemPrincipal } from '../auth/system-principal.ts'
import { readEvent } from '../events/read-event.ts'
import { scopeOf } from '../pipeline/data.ts'
import type { EventRecord } from '../events/event-record.ts'
import { logEvents } from '../logging/events.ts'
import { traceIdOf } from '../request/request-id.ts'
import { transactionContext } from '../resource/transaction-context.ts'
import type { Platform } from './platform.ts'

/**
 * Hands one committed event to each handler of its type that has not had it, in a transaction of its own in the event's tenant. One
 * that fails keeps none of the others from it: they are told the same event, and only it is asked again.
 *
 * @param handled names of the handlers that have had it
 * @returns whether the event was marked as delivered, by the transaction of the last
 * @throws Error that names the handlers that failed, and why
 */
export async function deliverEvent(
  platform: Platform,
  stored: EventRecord,
  handled: readonly string[],
): Promise<boolean> {
  const { registry, database } = platform
  const waiting = (registry.handlers.get(stored.type) ?? []).filter(({ name }) => !handled.includes(name))
  if (waiting.length === 0) return false
  const tenant = await database.findTenant(stored.tenantId)
  if (!tenant) return false // gone since; its rows are gone with it
  const event = readEvent(registry.events, stored)
  const failures: { readonly name: string; readonly error: unknown }[] = []
  for (const [at, { name, run }] of waiting.entries()) {
    const principal = systemPrincipal(registry.permissions, `${name}: ${event.type}`)
    const { requestId, traceparent } = event
    const scope = scopeOf(platform, { principal, tenant, requestId, ...(traceparent !== undefined && { traceparent }) })
    const last = at === waiting.length - 1 && failures.length === 0
    const startedAt = performance.now()
    try {
      await database.systemTransaction(scope, async (transaction) => {
        if (!(await transaction.takeEvent(event.id, name, last))) return
        await run(transactionContext({ platform, scope, transaction, principal, tenant }), event, transaction)
      })
      platform.log.debug(logEvents.eventHandled, {
        type: event.type,
        handler: name,
        eventId: event.id,
        tenant: tenant.slug,
        requestId,
        ...(traceparent !== undefined && { traceId: traceIdOf(traceparent) }),
        milliseconds: Math.round((performance.now() - startedAt) * 10) / 10,
      })
    } catch (error) {
      failures.push({ name, error })
    }
  }
  if (failures.length === 0) return true
  const reasons = failures.map(
    ({ name, error }) => `${name}: ${error instanceof Error ? error.message : String(error)}`,
  )
  throw new Error(reasons.join('; '), { cause: failures[0]?.error })
}
