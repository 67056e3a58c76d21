import { isPerson, type Principal } from '../auth/principal.ts'
import { problem } from '../errors/plinth-error.ts'
import type { Platform } from '../platform/platform.ts'
import type { Method, PersonalRoute } from '../routes/route.ts'
import type { Answer } from './answer.ts'
import { authenticate, principalOf, type Authenticated } from './auth.ts'
import type { PersonalCall, PublicCall } from './call.ts'
import { digestOf, readRouteBody, scopeOf } from './data.ts'
import { idempotencyKeyOf, withIdempotency } from './idempotency.ts'
import { limitedIn, limitPrincipal } from './limits.ts'
import { tenantOf, type InTenant } from './tenant.ts'

type Performed = { readonly answer: Answer } & Partial<Pick<InTenant, 'principal' | 'tenant'>>

/**
 * What concerns the caller himself: no permission is asked, since there is nothing of anybody else's in reach.
 * @param reach told of the tenant as soon as it is known: what is refused after that is refused in it
 * @throws permission_denied where another kind of principal is asked for; what the tenant stage throws
 */
export async function performPersonal(
  platform: Platform,
  request: Authenticated<PersonalRoute>,
  reach: (inTenant: Pick<InTenant, 'principal' | 'tenant'>) => void = () => undefined,
): Promise<Performed> {
  const { route } = request
  const inTenant = route.inTenant ? await limitedIn(platform, request, tenantOf) : undefined
  if (inTenant) reach(inTenant)
  else await limitPrincipal(platform, request, undefined)
  const principal = inTenant?.principal ?? request.principal
  refuseOthers(route, principal)
  if (route.needs !== undefined) refuseWithout(platform, principal, route.needs)
  const { headers, parameters, search, client, requestId } = request
  const scope = inTenant ? scopeOf(platform, { ...inTenant, requestId, client }) : null
  const key =
    route.method === 'GET' || !scope ? undefined : idempotencyKeyOf(platform, headers, () => digestOf(request))
  const call: PersonalCall = {
    platform,
    headers,
    parameters,
    search,
    client,
    requestId,
    principal,
    scope,
    // Made when it is asked for: most routes are done sooner than anybody hangs up.
    get signal() {
      return request.request.signal
    },
    tenant: inTenant?.tenant ?? null,
    body: readRouteBody(platform, request),
    async renew() {
      const again = await authenticate(platform, request, route)
      const there = route.inTenant ? await tenantOf(platform, again) : undefined
      // A credential may have moved on to another tenant; what was begun in this one does not.
      if (there?.tenant.id !== inTenant?.tenant.id) throw problem('tenant_forbidden')
      const now = there?.principal ?? again.principal
      refuseOthers(route, now)
      if (route.needs !== undefined) refuseWithout(platform, now, route.needs)
    },
    ...(scope ? withIdempotency(platform, scope, key) : withoutTenant(route)),
  }
  return { answer: await route.handle(call), ...inTenant }
}

/**
 * The person behind a request to a public route (one with `optionalCredential`), where something that it does is for somebody who has
 * signed in. The same checks as for a personal route, and the request is counted for him too.
 * @throws unauthenticated, invalid_credential, csrf_failed, permission_denied for a key, rate_limited
 */
export async function personOf(call: PublicCall, method: Method): Promise<Principal> {
  const { platform, headers, client, requestId } = call
  const principal = await principalOf(platform, { method, headers, client, requestId })
  await limitPrincipal(platform, { principal, limits: [] }, undefined)
  refuseOthers({ personal: 'user' }, principal)
  return principal
}

function withoutTenant({ operationId }: PersonalRoute): Pick<PersonalCall, 'transact' | 'transactAsSystem'> {
  const refuse = (): Promise<never> => Promise.reject(new Error(`${operationId} is about no tenant`))
  return { transact: refuse, transactAsSystem: refuse }
}

/** @throws permission_denied */
function refuseWithout(platform: Platform, principal: InTenant['principal'], needed: string): void {
  const [model = '', action = ''] = needed.split(':')
  const number = platform.registry.permissions.numberOf(model, action)
  // Of no rows there are no own ones: a narrower scope is none.
  if (number === undefined || !principal.permissions.everywhere(number))
    throw problem('permission_denied', { detail: `This needs the permission ${needed}.` })
}

function refuseOthers({ personal }: Pick<PersonalRoute, 'personal'>, principal: InTenant['principal']): void {
  if (personal === 'superadmin' && principal.superadmin !== true)
    throw problem('permission_denied', { detail: 'This is for the operator of the service.' })
  if (personal !== 'anyone' && !isPerson(principal))
    throw problem('permission_denied', { detail: 'This is for a person who has signed in.' })
}
