import { logEvents } from '../logging/events.ts'
import { errorType } from '../errors/example-problem.ts'
import { PlinthError, problem } from '../errors/plinth-error.ts'
import { responseTo } from '../node/node-response.ts'
import type { Platform } from '../platform/platform.ts'
import { traceIdOf } from '../request/request-id.ts'
import type { Route } from '../routes/route.ts'
import type { Answer, AnswerBody } from './answer.ts'
import { answerHeaders } from './answer-headers.ts'
import type { Received } from './request.ts'
import { tellRefusal } from './tell-refusal.ts'
import type { InTenant } from './tenant.ts'

/** As far as the request came: what is known of it goes into its log line. */
export type Reached = Received &
  Partial<Pick<InTenant, 'principal' | 'tenant' | 'parameters'>> & {
    readonly route?: Route
    /** What a route of the host's own is called in the audit log; ours have theirs. */
    readonly guarded?: string
  }

/** The last stage: an answer becomes a `Response`. */
export function respond(platform: Platform, received: Reached, answer: Answer): Response {
  log(platform, received, answer.status)
  const headers = answerHeaders(platform, received, answer)
  const { status, body } = answer
  if (received.method !== 'HEAD') return responseTo(received.request, body, { status, headers }, answer.cookies)
  return responseTo(received.request, null, { status, headers: { ...lengthOf(body), ...headers } }, answer.cookies)
}

/**
 * HEAD has the headers of GET, its length too, and no body (RFC 9110 §9.3.2). A stream that nobody will read is cancelled, or what
 * feeds it would stay open.
 */
function lengthOf(body: AnswerBody): Readonly<Record<string, string>> {
  if (body === null) return {}
  if (typeof body === 'string') return { 'content-length': String(Buffer.byteLength(body)) }
  if (body instanceof Uint8Array) return { 'content-length': String(body.byteLength) }
  body.cancel().catch(() => undefined)
  return {}
}

/** The one error boundary: whatever was thrown becomes problem+json (RFC 9457), and its cause goes to the log alone. */
export function respondTo(platform: Platform, received: Reached, error: unknown): Response {
  const known = PlinthError.is(error) ? error : problem('internal_error', { cause: error })
  // What is turned away for want of time is counted: a line for each would be more work than the answer.
  if (known.status >= 500 && known.code !== 'overloaded') {
    const cause: unknown = known.cause ?? error
    platform.log.error(logEvents.requestFailed, {
      requestId: received.requestId,
      method: received.method,
      path: received.givenPath,
      code: known.code,
      error: cause,
    })
  }
  if (known.code === 'permission_denied') {
    const { principal, tenant } = received
    platform.log.warn(logEvents.permissionDenied, {
      requestId: received.requestId,
      method: received.method,
      path: received.route?.path ?? received.givenPath,
      ...(known.detail === undefined ? {} : { detail: known.detail }),
      ...(principal ? { principal: `${principal.kind}:${principal.id}` } : {}),
      ...(tenant ? { tenant: tenant.slug } : {}),
    })
  }
  tellRefusal(platform, received, known)
  const body = JSON.stringify({
    // What no registry knows has no page: RFC 9457 §4.2.1 has a word for it, and a link would be a 404.
    type: Object.hasOwn(platform.errors, known.code) ? errorType(platform.errorTypeBase, known.code) : 'about:blank',
    title: known.title,
    status: known.status,
    ...(known.detail === undefined ? {} : { detail: known.detail }),
    code: known.code,
    requestId: received.requestId,
    ...(known.errors === undefined ? {} : { errors: known.errors }),
  })
  const retry =
    known.status === 503 && !known.headers['Retry-After'] && !known.headers['retry-after'] ? { 'retry-after': '2' } : {}
  // RFC 9110 §15.5.2: a 401 says how one may show who one is, whatever was wrong with what was shown.
  const challenge = known.status === 401 ? { 'www-authenticate': 'Bearer' } : {}
  return respond(platform, received, {
    status: known.status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...retry,
      ...challenge,
      ...known.headers,
    },
    body,
  })
}

function log(platform: Platform, received: Reached, status: number): void {
  const { route, principal, tenant } = received
  const traceId = traceIdOf(received.traceparent)
  const milliseconds = performance.now() - received.startedAt
  platform.requests.answered(route, status, milliseconds / 1_000)
  platform.log.info(logEvents.requestCompleted, {
    requestId: received.requestId,
    ...(traceId === undefined ? {} : { traceId }),
    method: received.method,
    // The route's pattern where there is one: ids and search words stay out of the log.
    path: route?.path ?? received.givenPath,
    status,
    ...(tenant ? { tenant: tenant.slug } : {}),
    ...(principal ? { principal: `${principal.kind}:${principal.id}` } : {}),
    milliseconds: Math.round(milliseconds * 10) / 10,
  })
}
