import { logEvents } from '../logging/events.ts'
import { PlinthError, problem } from '../errors/plinth-error.ts'
import type { Platform } from '../platform/platform.ts'
import type { Answer } from './answer.ts'
import type { Received } from './request.ts'
import type { InTenant } from './tenant.ts'

/** As far as the request came: what is known of it goes into its log line. */
export type Reached = Received &
  Partial<Pick<InTenant, 'principal' | 'tenant'>> & { readonly route?: { readonly path: string } }

/** Headers of every answer: nothing of an API answer may be sniffed, framed or kept by a shared cache. */
const always = {
  'x-content-type-options': 'nosniff',
  vary: 'Authorization, Cookie, X-API-Key, X-Tenant-ID',
} as const

/** The last stage: an answer becomes a `Response`. */
export function respond(platform: Platform, received: Reached, answer: Answer): Response {
  const withBody = received.method !== 'HEAD' && answer.body !== null
  log(platform, received, answer.status)
  return new Response(withBody ? answer.body : null, {
    status: answer.status,
    headers: { ...always, 'x-request-id': received.requestId, ...answer.headers },
  })
}

/** The one error boundary: whatever was thrown becomes problem+json (RFC 9457), and its cause goes to the log alone. */
export function respondTo(platform: Platform, received: Reached, error: unknown): Response {
  const known = PlinthError.is(error) ? error : problem('internal_error', { cause: error })
  if (known.status >= 500) {
    const cause: unknown = known.cause ?? error
    platform.log.error(logEvents.requestFailed, {
      requestId: received.requestId,
      method: received.method,
      path: received.givenPath,
      code: known.code,
      error: cause,
    })
  }
  const body = JSON.stringify({
    type: `${platform.errorTypeBase}/docs/errors/${known.code}`,
    title: known.title,
    status: known.status,
    ...(known.detail === undefined ? {} : { detail: known.detail }),
    code: known.code,
    requestId: received.requestId,
    ...(known.errors === undefined ? {} : { errors: known.errors }),
  })
  const retry =
    known.status === 503 && !known.headers['Retry-After'] && !known.headers['retry-after'] ? { 'retry-after': '2' } : {}
  return respond(platform, received, {
    status: known.status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...retry, ...known.headers },
    body,
  })
}

function log(platform: Platform, received: Reached, status: number): void {
  const { route, principal, tenant, traceId } = received
  platform.log.info(logEvents.requestCompleted, {
    requestId: received.requestId,
    ...(traceId === undefined ? {} : { traceId }),
    method: received.method,
    // The route's pattern where there is one: ids and search words stay out of the log.
    path: route?.path ?? received.givenPath,
    status,
    ...(tenant ? { tenant: tenant.slug } : {}),
    ...(principal ? { principal: `${principal.kind}:${principal.id}` } : {}),
    milliseconds: Math.round((performance.now() - received.startedAt) * 10) / 10,
  })
}
