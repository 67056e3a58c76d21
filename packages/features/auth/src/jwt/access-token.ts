import { randomBytes } from 'node:crypto'
import { CompactSign, compactVerify } from 'jose'
import type { Clock } from '@plinth/core'
import { hasClaims, type AccessClaims, type WireClaims } from './access-claims.ts'
import { readJws, type CompactJws } from './compact-jws.ts'
import type { SigningKey } from './signing-key.ts'
import type { SigningKeys } from './signing-keys.ts'
import { verifiedTokens } from './verified-tokens.ts'

export interface AccessTokenOptions {
  readonly keys: SigningKeys
  /** `iss`: the public URL of the service. */
  readonly issuer: string
  /** `aud`: whom the token is for. One deployment must not accept what another one signed for itself. */
  readonly audience: string
  readonly clock: Clock
  /** Lifetime in seconds. Default: 3600. */
  readonly ttl?: number | undefined
}

/** Whom and what a token is issued for; ids are UUIDs. */
export type AccessSubject = Pick<AccessClaims, 'userId' | 'tenantId' | 'role' | 'roles' | 'sessionId'>

/** A token as it is given out. */
export interface IssuedToken {
  readonly token: string
  readonly claims: AccessClaims
  /** Seconds, as `expires_in` of RFC 6749 §5.1. */
  readonly expiresIn: number
}

/** Why a token was refused: for the log. The client is told no more than `invalid_credential`. */
export type AccessTokenFault =
  | 'too_long'
  | 'malformed'
  | 'header'
  | 'type'
  | 'algorithm'
  | 'unknown_key'
  | 'signature'
  | 'claims'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'not_yet_valid'

export type AccessVerdict =
  | { readonly claims: AccessClaims; readonly fault?: undefined }
  | { readonly claims?: undefined; readonly fault: AccessTokenFault }

export interface AccessTokens {
  /**
   * A signed token (RFC 7515, 7519, 9068) for an hour, or `ttl`.
   * @throws RangeError where an id is no UUID or the roles make it longer than a header should be
   */
  readonly issue: (subject: AccessSubject) => Promise<IssuedToken>
  /**
   * What a token says, if it is ours and valid (RFC 8725). The caller still asks whether its session lives: that is what makes
   * revocation work at once. Never throws on foreign input.
   */
  readonly verify: (token: string) => Promise<AccessVerdict>
}

const type = 'at+jwt'
/** Longer tokens are refused unread, and not issued. Twenty roles make less than 2,000 characters. */
export const maximumTokenLength = 8192
/**
 * Seconds that the clock of the process that issued may be ahead of ours. Expiry has no such grace: a token that dies two
 * seconds early is refreshed, one that lives on helps nobody but who took it.
 */
const leeway = 5

/** Issues and verifies access tokens. */
export function accessTokens(options: AccessTokenOptions): AccessTokens {
  const { keys, issuer, audience, clock, ttl = 3600 } = options
  if (!(Number.isInteger(ttl) && ttl > 0)) throw new RangeError('the lifetime of a token is a whole number of seconds')
  const verified = verifiedTokens()
  const now = (): number => clock.now().getTime() / 1000

  async function verify(token: string): Promise<AccessVerdict> {
    if (token.length > maximumTokenLength) return { fault: 'too_long' }
    const at = now()
    const remembered = verified.get(token, at)
    // A key that was withdrawn meanwhile takes what it verified with it.
    if (remembered && keys.find(remembered.key.kid) === remembered.key) return { claims: remembered.claims }
    const jws = readJws(token)
    if (!jws) return { fault: 'malformed' }
    const key = keyOf(jws, keys)
    if (typeof key === 'string') return { fault: key }
    if (!(await isSigned(token, key))) return { fault: 'signature' }
    const payload = jws.payload()
    if (!hasClaims(payload)) return { fault: 'claims' }
    const fault = claimsFault(payload, at)
    if (fault) return { fault }
    const claims = claimsOf(payload)
    verified.put(token, { claims, key }, at)
    return { claims }
  }

  function claimsFault(claims: WireClaims & { readonly nbf?: number }, at: number): AccessTokenFault | undefined {
    if (claims.iss !== issuer) return 'issuer'
    if (claims.aud !== audience) return 'audience'
    if (at >= claims.exp) return 'expired'
    if (claims.iat > at + leeway || (claims.nbf ?? 0) > at + leeway) return 'not_yet_valid'
    return undefined
  }

  async function issue(subject: AccessSubject): Promise<IssuedToken> {
    const issuedAt = Math.floor(now())
    const payload: WireClaims = {
      iss: issuer,
      aud: audience,
      sub: subject.userId,
      tenant_id: subject.tenantId,
      role: subject.role,
      roles: subject.roles,
      sid: subject.sessionId,
      iat: issuedAt,
      exp: issuedAt + ttl,
      jti: randomBytes(16).toString('base64url'),
    }
    if (!hasClaims(payload)) throw new RangeError('the ids of an access token are UUIDs in lower case')
    const key = keys.signing()
    const token = await new CompactSign(Buffer.from(JSON.stringify(payload)))
      .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: type })
      .sign(key.privateKey)
    if (token.length > maximumTokenLength)
      throw new RangeError(
        `an access token with ${subject.roles.length} roles has more than ${maximumTokenLength} characters`,
      )
    return { token, claims: claimsOf(payload), expiresIn: ttl }
  }

  return { issue, verify }
}

/**
 * The key that the header names, among ours. Exactly `alg`, `kid`, `typ`: so nothing can point elsewhere for a key (`jku`, `jwk`,
 * `x5u`, `x5c`), ask for an extension (`crit`, `b64`, `zip`) or nest another token (`cty`). `alg` chooses nothing; it must agree
 * with the key, which rules out `none` and an HMAC under a public key (RFC 8725 §2.1).
 */
function keyOf({ header }: CompactJws, keys: SigningKeys): SigningKey | AccessTokenFault {
  if (typeof header !== 'object' || header === null || Array.isArray(header)) return 'header'
  const { alg, kid, typ, ...others } = header as Readonly<Record<string, unknown>>
  if (Object.keys(others).length > 0 || typeof kid !== 'string') return 'header'
  // RFC 8725 §3.11: a token made for something else is no access token, whoever signed it.
  if (typ !== type) return 'type'
  const key = keys.find(kid)
  if (!key) return 'unknown_key'
  return alg === key.algorithm ? key : 'algorithm'
}

/** The algorithm is the key's, whatever the header says (RFC 8725 §3.1). */
async function isSigned(token: string, key: SigningKey): Promise<boolean> {
  try {
    await compactVerify(token, key.publicKey, { algorithms: [key.algorithm] })
    return true
  } catch {
    return false
  }
}

/** Frozen, since the requests of one second share them. */
const claimsOf = (payload: WireClaims): AccessClaims =>
  Object.freeze({
    userId: payload.sub,
    tenantId: payload.tenant_id,
    role: payload.role,
    roles: Object.freeze([...payload.roles]),
    sessionId: payload.sid,
    tokenId: payload.jti,
    issuedAt: payload.iat,
    expiresAt: payload.exp,
  })
