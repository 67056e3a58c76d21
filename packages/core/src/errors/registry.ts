/**
 * Every error that Plinth's own code answers with. `docs/errors.md` is generated from this table, and a test compares
 * registry, docs and thrown codes. Features add their own by `errors` in the feature object.
 */
export interface ErrorDefinition {
  readonly status: number
  /** A short sentence, the same for every occurrence (RFC 9457 `title`). */
  readonly title: string
  /** What it means and what to do about it; shown at `/docs/errors/{code}`. */
  readonly help: string
}

export const coreErrors = {
  validation_failed: {
    status: 400,
    title: 'The input is not valid',
    help: 'Each entry of `errors` names the path, a code and what is wrong. Mend those fields and send the request again.',
  },
  malformed_json: {
    status: 400,
    title: 'The body is not valid JSON',
    help: 'The body could not be parsed. Send one JSON object in UTF-8, without duplicate keys, NUL characters or lone surrogates.',
  },
  body_too_deep: {
    status: 400,
    title: 'The body is nested too deeply',
    help: 'Flatten the JSON; the limit is in the answer.',
  },
  body_too_complex: {
    status: 400,
    title: 'The body has too many members',
    help: 'Send less in one request; the limit is in the answer.',
  },
  page_too_large: {
    status: 400,
    title: 'The page is too large',
    help: 'The rows are long. Ask for a smaller pageSize, or for some fields only.',
  },
  malformed_request: {
    status: 400,
    title: 'The request is malformed',
    help: 'The URL or a header holds an invalid escape, a NUL character or invalid UTF-8.',
  },
  invalid_query: {
    status: 400,
    title: 'The query is not valid',
    help: 'A query parameter is unknown, repeated or not allowed here. `errors` lists what is allowed.',
  },
  invalid_cursor: {
    status: 400,
    title: 'The cursor is not valid',
    help: 'A cursor belongs to one tenant, sort, filter and choice of fields. Start again from the first page.',
  },
  invalid_idempotency_key: {
    status: 400,
    title: 'The Idempotency-Key is not valid',
    help: 'Use 1 to 255 visible ASCII characters.',
  },
  tenant_required: {
    status: 400,
    title: 'A tenant is required',
    help: 'The credential belongs to no tenant by itself. Choose one of your tenants by X-Tenant-ID.',
  },
  unauthenticated: {
    status: 401,
    title: 'Authentication is required',
    help: 'Send a credential: `Authorization: Bearer <token>`.',
  },
  invalid_credential: {
    status: 401,
    title: 'The credential is not valid',
    help: 'It is unknown, expired or revoked. A wrong credential never falls back to being anonymous.',
  },
  csrf_failed: {
    status: 403,
    title: 'The request may not come from a page of this service',
    help: 'With a session cookie, whatever changes something needs the `X-CSRF-Token` (or the form field `csrf_token`) of that session, sent from a page of the same origin. Programs use a bearer token.',
  },
  reauthentication_required: {
    status: 401,
    title: 'Show again who you are',
    help: 'This is done shortly after a sign-in; how shortly says `max_age` in `WWW-Authenticate`, in seconds (RFC 9470). Show the password, a code or a passkey at `POST /auth/reauthenticate`, and repeat the request.',
  },
  second_factor_required: {
    status: 403,
    title: 'A second factor is required',
    help: 'This tenant asks it of everybody. Set one up at `/auth/mfa/setup`, or sign in with the one you have.',
  },
  permission_denied: {
    status: 403,
    title: 'Permission denied',
    help: 'You may see this, but not do it. Ask for the permission named in `detail`.',
  },
  tenant_forbidden: {
    status: 403,
    title: 'That tenant is not yours',
    help: 'X-Tenant-ID may only choose among the tenants of the credential.',
  },
  not_found: {
    status: 404,
    title: 'Resource not found',
    help: 'There is no such row, it belongs to another tenant, or you may not see it. The answer is the same on purpose.',
  },
  no_route: { status: 404, title: 'There is nothing at this path', help: 'See `/openapi.json` for all paths.' },
  method_not_allowed: {
    status: 405,
    title: 'The method is not allowed here',
    help: 'The header `Allow` lists the methods of this path. Operations can be switched off in the resource.',
  },
  conflict: {
    status: 409,
    title: 'The request conflicts with the present state',
    help: 'Read the row again and decide anew.',
  },
  already_exists: {
    status: 409,
    title: 'Such a row exists already',
    help: 'A unique value is taken; `errors` names the fields.',
  },
  built_in: {
    status: 409,
    title: 'This row is built in',
    help: 'It is part of the service and the same for every tenant, so it cannot be changed or deleted. Make one of your own.',
  },
  still_referenced: {
    status: 409,
    title: 'Other rows refer to this one',
    help: 'Delete or move the rows that point here first.',
  },
  params_unresolved: {
    status: 409,
    title: 'The params do not resolve',
    help: 'What the templates and the row say together is not what the schema asks for: `errors` names the values. Override them in the row, or mend the template.',
  },
  not_deleted: {
    status: 409,
    title: 'The row is not deleted',
    help: 'There is nothing to restore. Somebody may have restored it before you.',
  },
  parent_deleted: {
    status: 409,
    title: 'The row belongs to one that is deleted',
    help: 'Restore the row that it refers to first; `errors` names the field.',
  },
  last_owner: {
    status: 409,
    title: 'A tenant needs an owner',
    help: 'This would leave the tenant without anybody who owns it. Make somebody else an owner first.',
  },
  too_many_rows: {
    status: 409,
    title: 'Too many rows would go at once',
    help: 'The limit is in the answer. Delete in portions: a bulk takes 100 rows, and children can go before their parent.',
  },
  idempotency_in_progress: {
    status: 409,
    title: 'A request with this Idempotency-Key is still running',
    help: 'Wait for the seconds of `Retry-After` and repeat the request.',
  },
  answer_not_repeatable: {
    status: 409,
    title: 'The answer is not given twice',
    help: 'The first request with this Idempotency-Key was carried out. Its answer held a secret, which is kept nowhere, or fields that you may not read any more. `detail` says which; if a secret was lost, make another.',
  },
  version_mismatch: {
    status: 412,
    title: 'The row has changed since you read it',
    help: 'Read it again and send the new ETag in If-Match.',
  },
  body_too_large: { status: 413, title: 'The body is too large', help: 'The limit is in the answer.' },
  url_too_long: { status: 414, title: 'The URL is too long', help: 'Use fewer or shorter query parameters.' },
  unsupported_media_type: { status: 415, title: 'The content type is not supported', help: 'Send `application/json`.' },
  idempotency_key_reused: {
    status: 422,
    title: 'The Idempotency-Key was used for another request',
    help: 'Use a new key for each different request.',
  },
  tenant_suspended: {
    status: 423,
    title: 'The tenant is suspended',
    help: 'Ask the owner of the tenant or the operator of the service.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    help: 'Wait for the seconds of `Retry-After`. `RateLimit-Policy` says what is allowed, `RateLimit` what is left of it.',
  },
  too_many_exports: {
    status: 429,
    title: 'Too many exports are running',
    help: 'A tenant has a few at a time. Read one to its end, or hang up, and try again after the seconds of `Retry-After`.',
  },
  headers_too_large: { status: 431, title: 'The headers are too large', help: 'Send fewer or shorter headers.' },
  internal_error: {
    status: 500,
    title: 'Something went wrong on our side',
    help: 'Report the `requestId`; the log has the cause.',
  },
  body_already_read: {
    status: 500,
    title: 'The body was read before Plinth could read it',
    help: 'The server that Plinth is mounted in parses bodies before Plinth sees the request. Mount Plinth before its body parsers (`express.json()`), or let them keep the bytes as `request.rawBody`.',
  },
  record_failed: {
    status: 503,
    title: 'The change could not be recorded and was not made',
    help: 'What must be written beside every change could not be written. Try again later.',
  },
  unavailable: {
    status: 503,
    title: 'The service is not available at the moment',
    help: 'A dependency is down or overloaded. Try again after the seconds of `Retry-After`.',
  },
  overloaded: {
    status: 503,
    title: 'The service has too much to do at the moment',
    help: 'The request was turned away before anything was done for it. Repeat it after the seconds of `Retry-After`, and wait longer each time.',
  },
  not_ready: {
    status: 503,
    title: 'The service is not ready',
    help: 'Its database is not migrated or was changed behind its back; the log names every fault and its fix.',
  },
} as const satisfies Record<string, ErrorDefinition>

export type CoreErrorCode = keyof typeof coreErrors
