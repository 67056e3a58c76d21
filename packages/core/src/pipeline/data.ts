import { createHash } from 'node:crypto'
import { problem } from '../errors/plinth-error.ts'
import { sightOf } from '../fields/field-view.ts'
import type { Platform } from '../platform/platform.ts'
import type { Scope, Session } from '../ports/database.ts'
import { readingContext } from '../resource/reading-context.ts'
import { withReadingHooks } from '../resource/reading-hooks.ts'
import { isForm, readForm } from '../request/read-form.ts'
import { parseJsonBody } from '../request/scan-json.ts'
import type { Answer } from './answer.ts'
import { behalfOf } from '../policy/behalf-of.ts'
import { factsOf } from '../policy/circumstances-of.ts'
import { authenticate } from './auth.ts'
import type { Call } from './call.ts'
import { idempotencyKeyOf, withIdempotency } from './idempotency.ts'
import { authorize, Authorized } from './policy.ts'
import type { Admitted } from './request.ts'
import { answerGuard } from './still-shown.ts'
import { chooseTenant, type InTenant } from './tenant.ts'

/**
 * Validation, then the operation: 415, 400 → 404 row → 403 this row → 412 → 409. Accepts nothing but what the policy stage
 * made, so that data without policy does not compile.
 */
export async function perform(platform: Platform, authorized: Authorized): Promise<Answer> {
  Authorized.check(authorized)
  const { request, visible, allowed } = authorized
  const { route } = request
  const scope = scopeOf(platform, request)
  const body = readRouteBody(platform, request)
  const key = route.method === 'GET' ? undefined : idempotencyKeyOf(platform, request.headers, () => digestOf(request))
  const call: Call = {
    platform,
    request,
    scope,
    visible,
    allowed,
    body,
    parameters: request.parameters,
    search: request.search,
    headers: request.headers,
    renew: async () => {
      const again = await chooseTenant(platform, await authenticate(platform, request, route))
      // A credential may have moved on to another tenant; what was begun in this one does not.
      if (again.tenant.id !== request.tenant.id) throw problem('tenant_forbidden')
      const session = readingSession(platform, again, scopeOf(platform, again))
      return { visible: authorize(platform, again).visible, session, principal: again.principal }
    },
    session: readingSession(platform, request, scope),
    ...withIdempotency(
      platform,
      scope,
      key,
      key && {
        sight: sightOf(platform.registry, request.principal),
        guard: answerGuard(platform, authorized, scope.facts),
      },
    ),
  }
  return route.handle(call)
}

/** Reads of a request, with the hooks of what is read. */
function readingSession(platform: Platform, { principal, tenant }: InTenant, scope: Scope): Session {
  const session = platform.database.session(scope)
  return withReadingHooks({ platform, scope, session, principal, tenant }, readingContext)
}

/** In whose name and for whom the statements of this request run. */
export function scopeOf(
  platform: Platform,
  request: Pick<InTenant, 'principal' | 'tenant' | 'requestId'> & Partial<Pick<InTenant, 'client' | 'traceparent'>>,
): Scope {
  const { principal, tenant, requestId, traceparent, client } = request
  return {
    tenantId: tenant.id,
    actor: { kind: principal.kind, id: principal.id },
    facts: factsOf(principal, tenant),
    requestId,
    ...(traceparent !== undefined && { traceparent }),
    onBehalfOf: behalfOf(principal),
    ...(client && { client }),
    now: platform.clock.now(),
  }
}

/** @throws unsupported_media_type, malformed_json, body_too_deep */
export function readRouteBody(platform: Platform, request: Admitted): unknown {
  const { route } = request
  if (!route.body) return undefined
  const empty = request.body === undefined || request.body.byteLength === 0
  if (empty && route.body.optional) return {}
  if (route.body.form && isForm(request.headers['content-type'])) return readForm(request.body)
  if (!isJson(request.headers['content-type'], route.body.mergePatch ?? false)) {
    const accepted = route.body.mergePatch ? 'application/json or application/merge-patch+json' : 'application/json'
    throw problem('unsupported_media_type', { detail: `Send ${accepted} in UTF-8.`, headers: { accept: accepted } })
  }
  if (empty) throw problem('malformed_json', { detail: 'The body is empty.' })
  return parseJsonBody(request.body!, platform.limits.depth)
}

function isJson(contentType: string | undefined, mergePatch: boolean): boolean {
  if (contentType === 'application/json') return true
  const [type = '', ...parameters] = (contentType ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
  if (type !== 'application/json' && !(mergePatch && type === 'application/merge-patch+json')) return false
  // Each of them: of two charsets, a proxy may have believed the other.
  return parameters
    .filter((parameter) => parameter.startsWith('charset='))
    .every((charset) => charset === 'charset=utf-8' || charset === 'charset="utf-8"')
}

/** Method, path and body: what makes two requests the same for an idempotency key. */
export function digestOf(request: Pick<InTenant, 'method' | 'path' | 'search' | 'body'>): string {
  return createHash('sha256')
    .update(`${request.method} ${request.path}?${request.search}\n`)
    .update(request.body ?? '')
    .digest('base64url')
}
