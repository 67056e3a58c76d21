import { problem } from '../../errors/plinth-error.ts'
import type { Call } from '../../pipeline/call.ts'
import type { Platform } from '../../platform/platform.ts'
import type { ActionInfo } from '../../resource/resource-info.ts'
import { readingContext } from '../../resource/reading-context.ts'

/** Slow work of one tenant at a time, in this process. One tenant must not take all sockets that the others need. */
const MOST_AT_ONCE = 20

/** What is at work: rows by action, and how much by tenant. */
interface AtWork {
  readonly rows: Set<string>
  readonly tenants: Map<string, number>
}
const working = new WeakMap<Platform, AtWork>()

/**
 * Runs an action's `outside`, bounded: once per row and action at a time (300 parallel checks of one page would be an attack on
 * that page, made by us), so many per tenant, and no longer than the limit, whether it heeds its signal or not.
 * @throws conflict while the same is at work, unavailable where too much is, or when the time is over
 */
export async function slowPart(call: Call, action: ActionInfo, row: unknown, input: unknown): Promise<unknown> {
  const { platform, scope, session, request } = call
  const atWork = working.get(platform) ?? { rows: new Set(), tenants: new Map<string, number>() }
  working.set(platform, atWork)
  const key = `${scope.tenantId}|${request.route.resource.name}|${action.name}|${(row as { readonly id: string }).id}`
  if (atWork.rows.has(key)) {
    throw problem('conflict', { detail: 'This is already at work.', headers: { 'retry-after': '1' } })
  }
  const others = atWork.tenants.get(scope.tenantId) ?? 0
  if (others >= MOST_AT_ONCE)
    throw problem('unavailable', { detail: 'Too much is at work.', headers: { 'retry-after': '1' } })
  atWork.rows.add(key)
  atWork.tenants.set(scope.tenantId, others + 1)
  try {
    const context = readingContext({ platform, scope, session, principal: request.principal, tenant: request.tenant })
    const outside = action.outside as (row: unknown, input: unknown, signal: AbortSignal, context: unknown) => unknown
    const signal = AbortSignal.timeout(platform.limits.outside)
    return await Promise.race([outside(row, input, signal, context), overdue(signal)])
  } finally {
    atWork.rows.delete(key)
    const left = (atWork.tenants.get(scope.tenantId) ?? 1) - 1
    if (left > 0) atWork.tenants.set(scope.tenantId, left)
    else atWork.tenants.delete(scope.tenantId)
  }
}

/** Rejects when the time is over: a promise that nobody settles must not keep the request, and its row, for ever. */
function overdue(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener(
      'abort',
      () => reject(problem('unavailable', { detail: 'The action took too long.', cause: signal.reason })),
      { once: true },
    )
  })
}
