/** What an access token says, in the words of this project; times in Unix seconds. */
export interface AccessClaims {
  /** `sub`: the user. */
  readonly userId: string
  /** `tenant_id`: the tenant that the token is for; null where it is for none. */
  readonly tenantId: string | null
  /** `role`: the first of the roles, for clients that know one only; null without a tenant. */
  readonly role: string | null
  readonly roles: readonly string[]
  /** `sid`: the session that the token belongs to. A token is worth nothing without it: who verifies looks it up. */
  readonly sessionId: string
  /** `jti` */
  readonly tokenId: string
  /** `iat` */
  readonly issuedAt: number
  /** `exp` */
  readonly expiresAt: number
}

/** As they stand in the token (RFC 9068 §2.2; `role` and `roles` in §2.2.3.1's manner). */
export interface WireClaims {
  readonly iss: string
  readonly aud: string
  readonly sub: string
  readonly tenant_id: string | null
  readonly role: string | null
  readonly roles: readonly string[]
  readonly sid: string
  readonly iat: number
  readonly exp: number
  readonly jti: string
}

// Ids go into queries as uuid: anything else would be an error of PostgreSQL, which is a 500.
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
/** 16 random bytes in base64url. */
const tokenIdShape = /^[A-Za-z0-9_-]{22}$/

/**
 * Whether every claim is there and has its form. No claim is converted: `"123"` is no time, `["a"]` is no audience, though
 * RFC 7519 §4.1.3 would allow it; we never write one. Unknown claims are let be, as a newer process may add some.
 */
export function hasClaims(value: unknown): value is WireClaims {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const claims = value as Readonly<Record<string, unknown>>
  return (
    typeof claims.iss === 'string' &&
    typeof claims.aud === 'string' &&
    isId(claims.sub) &&
    isId(claims.sid) &&
    (claims.tenant_id === null || isId(claims.tenant_id)) &&
    (claims.role === null || typeof claims.role === 'string') &&
    Array.isArray(claims.roles) &&
    claims.roles.every((role) => typeof role === 'string') &&
    isTime(claims.iat) &&
    isTime(claims.exp) &&
    claims.exp > claims.iat &&
    (!Object.hasOwn(claims, 'nbf') || isTime(claims.nbf)) &&
    typeof claims.jti === 'string' &&
    tokenIdShape.test(claims.jti)
  )
}

const isId = (value: unknown): value is string => typeof value === 'string' && uuid.test(value)

/** Whole Unix seconds up to the year 9999. `1e400` is Infinity once it is parsed. */
const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 253_402_300_800
