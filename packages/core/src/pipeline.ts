import type { Principal } from './auth/principal.ts'
import type { Client, Peer } from './client/client.ts'
import type { AppliedLimit } from './limits/rate-headers.ts'
import { authenticate, principalOf } from './pipeline/auth.ts'
import { perform, readRouteBody } from './pipeline/data.ts'
import { limitedIn, limitSender } from './pipeline/limits.ts'
import { performPersonal } from './pipeline/personal.ts'
import { allowedTo, authorize, refuseStale, type Asked } from './pipeline/policy.ts'
import { admit, measureHead, receive, type Received } from './pipeline/request.ts'
import { respond, respondTo, type Reached } from './pipeline/response.ts'
import { chooseTenant, tenantOf } from './pipeline/tenant.ts'
import type { Platform } from './platform/platform.ts'
import type { Tenant } from './tenancy/tenant.ts'

/**
 * The one list of the stages. Each takes what the one before made and returns something richer, so that the compiler refuses
 * a stage left out: data without policy is a type error, not a review comment.
 */
export async function handle(platform: Platform, request: Request, peer?: Peer): Promise<Response> {
  const received = receive(platform, request, peer) // never throws: it holds the request id of the error answer
  let reached: Reached = received
  const { load } = platform
  load.entered()
  try {
    if (load.isBusy && !isExempt(platform, received)) load.refuseExcess()
    const admitted = (reached = await admit(platform, received))
    const { route } = admitted
    await limitSender(platform, admitted, route)
    if (route.public) {
      if (route.stored) await platform.ready()
      const { headers, parameters, search, client, requestId } = admitted
      const body = readRouteBody(platform, admitted)
      const call = { platform, headers, parameters, search, body, client, requestId }
      return respond(platform, admitted, await route.handle(call))
    }
    await platform.ready()
    if (route.personal) {
      const own = await authenticate(platform, admitted, route)
      reached = own
      const { answer, ...more } = await performPersonal(platform, own, (known) => {
        reached = { ...own, ...known }
      })
      return respond(platform, { ...own, ...more }, answer)
    }
    const authenticated = (reached = await authenticate(platform, admitted, route))
    const inTenant = (reached = await limitedIn(platform, authenticated, chooseTenant))
    const authorized = authorize(platform, inTenant)
    return respond(platform, reached, await perform(platform, authorized))
  } catch (error) {
    return respondTo(platform, reached, error)
  } finally {
    load.left()
  }
}

/** Whoever watches whether the service is well must get an answer just when it has too much to do. */
function isExempt(platform: Platform, { path }: Pick<Received, 'path'>): boolean {
  return platform.routes.match(path)?.methods.get('GET')?.shed === 'never'
}

/** A request to a route of the host that was let through. */
export interface Passed {
  readonly principal: Principal
  readonly tenant: Tenant
  readonly requestId: string
  readonly client: Client
  readonly limits: readonly AppliedLimit[]
}

/**
 * The same stages for a route that the host wrote by hand, as far as policy; the data of such a request is reached by a context
 * alone, which asks again for each row. Its body is the host's and not looked at.
 */
export async function guardRequest(
  platform: Platform,
  asked: Asked | null,
  request: Request,
  peer?: Peer,
): Promise<Passed | { readonly refused: Response }> {
  const received = receive(platform, request, peer)
  const guarded = guardedAction(asked, received.method)
  let reached: Reached = { ...received, guarded }
  const { load } = platform
  load.entered()
  try {
    if (load.isBusy) load.refuseExcess()
    measureHead(platform, received)
    await limitSender(platform, received, undefined)
    await platform.ready()
    const principal = await principalOf(platform, received)
    const known = (reached = { ...received, guarded, principal })
    const inTenant = await limitedIn(platform, known, tenantOf)
    reached = { ...received, guarded, ...inTenant }
    if (asked) {
      allowedTo(inTenant.principal, asked)
      refuseStale(platform, inTenant.principal, asked)
    }
    return { ...inTenant, requestId: received.requestId, client: received.client, limits: received.limits }
  } catch (error) {
    return { refused: respondTo(platform, reached, error) }
  } finally {
    load.left()
  }
}

/**
 * `site.update`, as the permission that a guard asks for; of one that asks for none `host.post`. Its path is not named: the pattern is
 * the host's, and a path may hold what belongs in no log.
 */
export function guardedAction(asked: Pick<Asked, 'resource' | 'verb'> | null, method: string): string {
  return asked ? `${asked.resource.name}.${asked.verb}` : `host.${method.toLowerCase()}`
}
