import type { PlinthError } from '../errors/plinth-error.ts'
import { auditRefusal } from '../platform/audited.ts'
import type { Platform } from '../platform/platform.ts'
import { wasTold } from '../platform/told-denials.ts'
import { acceptsId, isUuid } from '../resource/row-id.ts'
import { isGuarded, type Route } from '../routes/route.ts'
import type { Reached } from './response.ts'

/** What an answer like this says nothing of: too many requests are counted elsewhere, a request that nobody could read was none. */
const untold = new Set([413, 414, 415, 429, 431])
const reading = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * What was denied, and what was to be written and was not: an entry after the answer. Of reads only denials, of strangers only what
 * was to show who they are.
 */
export function tellRefusal(platform: Platform, received: Reached, error: PlinthError): void {
  const { route, principal, tenant, parameters } = received
  const action = route ? actionOf(route) : received.guarded
  if (!platform.audit || action === undefined || untold.has(error.status)) return
  const call = { platform, client: received.client, requestId: received.requestId }
  if (principal) {
    if (error.status !== 403 && reading.has(received.method)) return
    const tenantId = tenant?.id
    if (wasTold(error, { who: principal, tenantId: tenantId ?? null }, received.startedAt)) return
    auditRefusal(
      { ...call, principal },
      { action, target: targetOf(route, parameters?.['id']), ...(tenantId !== undefined && { tenantId }) },
      error,
    )
  } else if (error.code === 'invalid_credential') auditRefusal(call, { action: 'credential.refused' }, error)
  // A browser sends a cookie, whoever made it: that is nobody who showed who he is, and the attack on him is to be seen all the same.
  else if (
    error.code === 'csrf_failed' ||
    (route?.public && !reading.has(received.method) && (error.status === 401 || error.status === 403))
  )
    auditRefusal(call, { action }, error)
}

/** `site.update`, as the permission is called; `auth.logIn` where none is asked for. */
function actionOf(route: Route): string {
  return isGuarded(route) ? `${route.resource.name}.${route.verb}` : `${route.tag}.${route.operationId}`
}

/** What could be a key of a row. Anything else is what somebody typed (`DELETE /users/alice@example.com`), and an entry stays for ever. */
function targetOf(route: Route | undefined, id: string | undefined): string | undefined {
  if (id === undefined) return undefined
  return (route && isGuarded(route) ? acceptsId(route.resource, id) : isUuid(id)) ? id : undefined
}
