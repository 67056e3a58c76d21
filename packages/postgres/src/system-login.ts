import { createHmac } from 'node:crypto'

/**
 * The password of the role `<prefix>system` where no DATABASE_SYSTEM_URL is set, derived from that of the runtime login, so
 * that one secret is enough to configure. migrate() sets the same. Whoever injects SQL does not become system by it: he
 * cannot open connections, and PostgreSQL stores no password that he could read.
 */
export function systemPassword(runtimePassword: string): string {
  return createHmac('sha256', runtimePassword).update('plinth system role').digest('base64url')
}

/** The runtime URL with the login and password of the system role. */
export function systemUrl(runtimeUrl: string, rolePrefix: string): string {
  const url = new URL(runtimeUrl)
  const password = decodeURIComponent(url.password)
  url.username = encodeURIComponent(`${rolePrefix}system`)
  // A runtime login without password (trust, peer, a certificate) says that passwords are not how this server decides.
  url.password = password === '' ? '' : systemPassword(password)
  return url.href
}
