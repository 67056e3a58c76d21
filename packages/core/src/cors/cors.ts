/** Which pages of other origins may read answers (Fetch standard, CORS). */
export interface Cors {
  /** Exactly as browsers write them: scheme, host, port. */
  readonly origins: ReadonlySet<string>
  /** Any page, for what needs no cookie: `*`. */
  readonly any: boolean
  /** Whether such pages may send the session cookie. */
  readonly credentials: boolean
}

/** @param origins as `CORS_ORIGINS` was read: origins, or `*` alone */
export function corsOf(origins: readonly string[], credentials: boolean): Cors {
  return { origins: new Set(origins.filter((origin) => origin !== '*')), any: origins.includes('*'), credentials }
}

/** What a page cannot see otherwise; the rest of the headers is of use to nobody there. */
const EXPOSED =
  'ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, Idempotency-Replayed, Content-Disposition, WWW-Authenticate'
const ASKED =
  'Authorization, Content-Type, Accept, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, X-API-Key, X-CSRF-Token, X-Request-Id, X-Tenant-ID, traceparent'
/** Chromium keeps no preflight for longer. */
const KEPT_SECONDS = '7200'

const none: Readonly<Record<string, string>> = {}
const anybody = { 'access-control-allow-origin': '*', 'access-control-expose-headers': EXPOSED } as const

/**
 * For an answer to this origin. Never what was sent unless it is in the list, so that `null` (a sandboxed frame, a file) and
 * everything that merely looks like one of ours gets nothing; and never `*` where cookies are allowed.
 */
export function corsHeaders(cors: Cors, origin: string | undefined): Readonly<Record<string, string>> {
  if (origin !== undefined && cors.origins.has(origin)) {
    return {
      'access-control-allow-origin': origin,
      ...(cors.credentials && { 'access-control-allow-credentials': 'true' }),
      'access-control-expose-headers': EXPOSED,
    }
  }
  return cors.any && origin !== undefined ? anybody : none
}

/** For a preflight: what may be asked here. Nothing where the origin may ask nothing. */
export function preflightHeaders(
  cors: Cors,
  headers: Readonly<Record<string, string>>,
  allow: string,
): Readonly<Record<string, string>> {
  const { origin } = headers
  if (origin === undefined || headers['access-control-request-method'] === undefined) return none
  if (!cors.any && !cors.origins.has(origin)) return none
  return {
    'access-control-allow-methods': allow,
    'access-control-allow-headers': ASKED,
    'access-control-max-age': KEPT_SECONDS,
  }
}

/** Whether answers differ by origin: a cache must not show one page the answer to another. */
export function variesByOrigin(cors: Cors): boolean {
  return cors.origins.size > 0
}
