import { clientOf, type Client, type Peer } from '../client/client.ts'
import { PlinthError, problem } from '../errors/plinth-error.ts'
import type { AppliedLimit } from '../limits/rate-headers.ts'
import { NodeRequest, wellFormedHost } from '../node/node-request.ts'
import type { Limits, Platform } from '../platform/platform.ts'
import { readBody } from '../request/read-body.ts'
import { requestIdOf, traceparentOf } from '../request/request-id.ts'
import type { Route } from '../routes/route.ts'
import { optionsRoute } from '../routes/system-routes.ts'

/** The first stage. A request is taken apart and measured; nothing is believed yet. */
export interface Received {
  readonly request: Request
  readonly requestId: string
  /** The W3C `traceparent`, where it is well-formed. */
  readonly traceparent: string | undefined
  /** Upper case, HEAD kept. A lower-case `delete` must not slip past a check for `DELETE`. */
  readonly method: string
  /** Path without the base path, `/api/…` without version made canonical. Still percent-encoded. */
  readonly path: string
  /** Path as it came, for the log. */
  readonly givenPath: string
  /** Raw query without the question mark. */
  readonly search: string
  readonly headers: Readonly<Record<string, string>>
  /** Who sent it: the peer of the connection, or whom a trusted proxy names. */
  readonly client: Client
  /** The limits that have counted it so far; filled as it goes. */
  readonly limits: AppliedLimit[]
  readonly startedAt: number
}

/** A request within its limits whose route is known. The bytes of the body are read, not judged. */
export interface Admitted extends Received {
  readonly route: Route
  readonly parameters: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
}

/** Takes a request apart. Never throws: the error answer needs the request id. */
export function receive(platform: Platform, request: Request, peer?: Peer): Received {
  const headers = headersOf(request)
  const { path, search } = splitUrl(request.url)
  return {
    request,
    requestId: requestIdOf(headers['x-request-id']),
    traceparent: traceparentOf(headers.traceparent),
    method: request.method.toUpperCase(),
    path: canonicalPath(platform.basePath, path),
    givenPath: path,
    search,
    headers,
    client: knownSecure(platform, clientOf(platform.proxies, request, headers, peer)),
    limits: [],
    startedAt: performance.now(),
  }
}

/**
 * Where the service is reached by https, whoever does not name its proxy would give out cookies that a browser sends over http as well,
 * to whoever listens. A page on a developer's machine may be both.
 */
function knownSecure({ publicUrl, environment }: Platform, client: Client): Client {
  if (client.secure || environment === 'development' || !publicUrl?.startsWith('https:')) return client
  return { ...client, secure: true }
}

/** Node's messages have them ready; a `Headers` is copied. */
function headersOf(request: Request): Readonly<Record<string, string>> {
  if (request instanceof NodeRequest) return request.headerRecord
  const headers: Record<string, string> = {}
  request.headers.forEach((value, name) => {
    headers[name] = value
  })
  return headers
}

/**
 * 413, 414, 431 → 404, 405.
 * @throws body_too_large, url_too_long, headers_too_large, malformed_request, body_already_read, no_route, method_not_allowed
 */
export async function admit(platform: Platform, received: Received): Promise<Admitted> {
  const { limits } = platform
  const declared = Number(received.headers['content-length'] ?? 0)
  if (declared > limits.body) throw tooLarge(limits)
  measureHead(platform, received)
  const body = withBody.has(received.method)
    ? await readBody(received, limits.body, () => tooLarge(limits)).catch(unread)
    : undefined
  return { ...received, ...findRoute(platform, received), body }
}

/**
 * What is bounded of every request, those to the host's own routes included.
 * @throws url_too_long, headers_too_large, malformed_request
 */
export function measureHead({ limits }: Platform, received: Received): void {
  if (received.path.length + received.search.length > limits.url) {
    throw problem('url_too_long', { detail: `At most ${limits.url} characters are read.` })
  }
  refuseLongHeaders(received.headers, limits)
  refuseNoHost(received.headers.host)
}

/** DELETE has no meaning for a body (RFC 9110 §9.3.5), and none is read. */
const withBody = new Set(['POST', 'PUT', 'PATCH'])

/** A caller who hangs up, or whose chunks are none, is no fault of ours: a 500 would fill the log at a stranger's will. */
function unread(error: unknown): never {
  if (PlinthError.is(error)) throw error
  throw problem('malformed_request', { detail: 'The body ended before it was complete.', cause: error })
}

function tooLarge(limits: Limits): Error {
  return problem('body_too_large', { detail: `At most ${limits.body} bytes are read.` })
}

function refuseLongHeaders(headers: Readonly<Record<string, string>>, limits: Limits): void {
  let count = 0
  let bytes = 0
  for (const name in headers) {
    count += 1
    bytes += name.length + headers[name]!.length
  }
  if (count > limits.headerCount || bytes > limits.headerBytes) {
    throw problem('headers_too_large', {
      detail: `At most ${limits.headerCount} headers of ${limits.headerBytes} characters in all are read.`,
    })
  }
}

/** RFC 9112 §3.2: a Host that is none, or two of them, is 400. Whoever builds a link from it would build it for the sender. */
function refuseNoHost(host: string | undefined): void {
  if (host !== undefined && !wellFormedHost.test(host))
    throw problem('malformed_request', { detail: 'The Host header names no host.' })
}

function findRoute(platform: Platform, received: Received): Pick<Admitted, 'route' | 'parameters'> {
  const match = platform.routes.match(received.path)
  if (!match) throw problem('no_route', { detail: 'There is nothing at this path.' })
  // HEAD is GET without the body (RFC 9110 §9.3.2); the response stage drops it.
  const wanted = received.method === 'HEAD' ? 'GET' : received.method
  const route = match.methods.get(wanted as Route['method'])
  if (received.method === 'OPTIONS') return { route: optionsRoute(allowOf(match.methods)), parameters: {} }
  if (!route) {
    const allow = allowOf(match.methods)
    throw problem('method_not_allowed', { detail: `Allowed here: ${allow}.`, headers: { allow } })
  }
  const parameters: Record<string, string> = {}
  for (const name in match.parameters) parameters[name] = decodeSegment(match.parameters[name]!)
  return { route, parameters }
}

function allowOf(methods: ReadonlyMap<string, Route>): string {
  return [...methods.keys(), ...(methods.has('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ')
}

/** `%zz` is refused, `%00` too: PostgreSQL text cannot hold it (22021). `a%2Fb` stays one segment. */
function decodeSegment(raw: string): string {
  if (!raw.includes('%')) return raw
  let text: string
  try {
    text = decodeURIComponent(raw)
  } catch {
    throw problem('malformed_request', { detail: 'The path holds an invalid percent-encoding.' })
  }
  if (text.includes('\0')) throw problem('malformed_request', { detail: 'The path holds a NUL character.' })
  return text
}

/** By hand: `new URL` would cost 2 µs, and resolve `/../` before the router sees it. */
function splitUrl(url: string): { readonly path: string; readonly search: string } {
  const afterScheme = url.indexOf('://')
  const start = afterScheme < 0 ? 0 : url.indexOf('/', afterScheme + 3)
  if (start < 0) return { path: '/', search: '' }
  const hash = url.indexOf('#', start)
  const whole = hash < 0 ? url.slice(start) : url.slice(start, hash)
  const question = whole.indexOf('?')
  return question < 0
    ? { path: whole, search: '' }
    : { path: whole.slice(0, question), search: whole.slice(question + 1) }
}

/** Strips the base path; reads `/api/sites`, where no version is named, as `/api/v1/sites`. */
export function canonicalPath(basePath: string, path: string): string {
  let own = path
  if (basePath !== '') {
    if (path !== basePath && !path.startsWith(`${basePath}/`)) return '' // matches no route
    own = path.slice(basePath.length) || '/'
  }
  return own.startsWith('/api/') && !/^\/api\/v\d+(\/|$)/.test(own) ? `/api/v1${own.slice(4)}` : own
}
