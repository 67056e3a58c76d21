import type { Principal } from '../auth/principal.ts'
import { or, type Condition } from '../condition/condition.ts'
import { problem } from '../errors/plinth-error.ts'
import { logEvents } from '../logging/events.ts'
import type { Platform } from '../platform/platform.ts'
import { staleness } from '../policy/freshness.ts'
import { visibleTo } from '../policy/visible-to.ts'
import type { GuardedRoute } from '../routes/route.ts'
import type { InTenant } from './tenant.ts'

// Known to this module alone; declared before the class, whose static block fills it.
let mint: (request: InTenant, visible: Condition, allowed: Condition) => Authorized

/**
 * Proof that the policy stage ran. A class with a private field: an object that merely looks alike, or a spread of a real one
 * with another condition, does not compile; `check` refuses at run time what was forced past the compiler.
 */
export class Authorized {
  // eslint-disable-next-line no-unused-private-class-members -- `check` looks for it with `in`
  readonly #proof = true
  readonly request: InTenant
  /** Rows that the principal may see: outside of it a row is "not there". */
  readonly visible: Condition
  /** Rows on which he may do what he asks. */
  readonly allowed: Condition

  private constructor(request: InTenant, visible: Condition, allowed: Condition) {
    this.request = request
    this.visible = visible
    this.allowed = allowed
  }

  static {
    mint = (request, visible, allowed) => new Authorized(request, visible, allowed)
  }

  static check(value: Authorized): void {
    if (!(#proof in value)) throw new Error('the data stage was called without the policy stage')
  }
}

/**
 * May this principal do this on any row at all? If so: on which.
 * @throws permission_denied, reauthentication_required
 */
export function authorize(platform: Platform, request: InTenant): Authorized {
  const { route, principal } = request
  const allowed = allowedTo(principal, route)
  refuseStale(platform, principal, route)
  // What is refused, here or for one row, is written where its answer is made.
  platform.log.debug(logEvents.permissionGranted, {
    requestId: request.requestId,
    permission: `${(route.guarded ?? route.resource).name}:${route.verb}`,
    principal: `${principal.kind}:${principal.id}`,
    tenant: request.tenant.slug,
  })
  return mint(request, visibleTo(principal.permissions, route.seeing, allowed), allowed)
}

/** What is asked for: of a route of Plinth, or of one that the host wrote. */
export type Asked = Pick<GuardedRoute, 'resource' | 'guarded' | 'verb' | 'permission' | 'otherwise' | 'fresh'>

/** @throws permission_denied where it is on no row at all */
export function allowedTo(principal: Principal, asked: Asked): Condition {
  const ways = [asked, ...(asked.otherwise ?? [])]
  const allowed =
    ways.length === 1
      ? principal.permissions.condition(asked.permission)
      : or(...ways.map((way) => principal.permissions.condition(way.permission)))
  if (allowed.kind !== 'never') return allowed
  const own = (asked.guarded ?? asked.resource).name
  const names = ways.map((way) => `${'of' in way && way.of !== undefined ? way.of : own}:${way.verb}`)
  throw problem('permission_denied', { detail: `This needs the permission ${names.join(' or ')}.` })
}

/**
 * Asked last: who may not do it at all need not show again who he is to hear so.
 * @throws reauthentication_required; permission_denied for a key or a service
 */
export function refuseStale({ clock }: Pick<Platform, 'clock'>, principal: Principal, { fresh }: Asked): void {
  const stale = staleness(principal, fresh, clock.now())
  if (stale) throw stale
}
