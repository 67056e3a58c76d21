import { authenticate } from './pipeline/auth.ts'
import { perform, readRouteBody } from './pipeline/data.ts'
import { authorize } from './pipeline/policy.ts'
import { admit, receive } from './pipeline/request.ts'
import { respond, respondTo, type Reached } from './pipeline/response.ts'
import { chooseTenant } from './pipeline/tenant.ts'
import type { Platform } from './platform/platform.ts'

/**
 * The one list of the stages. Each takes what the one before made and returns something richer, so that the compiler refuses
 * a stage left out: data without policy is a type error, not a review comment.
 */
export async function handle(platform: Platform, request: Request): Promise<Response> {
  const received = receive(platform, request) // never throws: it holds the request id of the error answer
  let reached: Reached = received
  try {
    const admitted = (reached = await admit(platform, received))
    const { route } = admitted
    if (route.public) {
      const { headers, parameters, search } = admitted
      const body = readRouteBody(platform, admitted)
      return respond(platform, admitted, await route.handle({ platform, headers, parameters, search, body }))
    }
    await platform.ready()
    const authenticated = (reached = await authenticate(platform, admitted, route))
    const inTenant = (reached = await chooseTenant(platform, authenticated))
    const authorized = authorize(platform, inTenant)
    return respond(platform, reached, await perform(platform, authorized))
  } catch (error) {
    return respondTo(platform, reached, error)
  }
}
