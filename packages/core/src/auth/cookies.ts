/**
 * The session of a browser. Over an encrypted connection only the name with `__Host-` counts, which a browser takes from this very
 * host alone: a neighbour's subdomain could otherwise plant a session of its own (RFC 6265bis §4.1.3.2).
 */
export const SESSION_COOKIE = 'session_id'

export function cookieName(name: string, secure: boolean): string {
  return secure ? `__Host-${name}` : name
}

/** One cookie of a `Cookie` header. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  for (const part of (header ?? '').split(';')) {
    const at = part.indexOf('=')
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim()
  }
  return undefined
}

export function sessionCookie(header: string | undefined, secure: boolean): string | undefined {
  return readCookie(header, cookieName(SESSION_COOKIE, secure))
}

export interface CookieFacts {
  readonly secure: boolean
  /** Seconds; 0 removes it. Without it the cookie goes with the browser. */
  readonly maxAge?: number
}

/** A whole `Set-Cookie` value: for this host alone, out of reach of scripts, sent along from other sites by links only. */
export function setCookie(name: string, value: string, { secure, maxAge }: CookieFacts): string {
  const age = maxAge === undefined ? '' : `; Max-Age=${maxAge}`
  return `${cookieName(name, secure)}=${value}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}${age}`
}
