import type { StartupFault } from '@plinth/core'
import { isIP } from 'node:net'
import { authProblem } from '../errors.ts'

export interface PasskeysOptions {
  /**
   * The domain that passkeys are bound to: the host of PUBLIC_URL, or a domain above it, which the pages of all hosts below share.
   * Once there are passkeys, another one makes them worthless. Default: the host of PUBLIC_URL.
   */
  readonly rpId?: string
  /** Other pages that may ask for a passkey, beside those of PUBLIC_URL: `['https://www.example.com']`. CORS gives no such right. */
  readonly origins?: readonly string[]
}

/** For whom passkeys are made, and on which pages. Nothing of it comes from a request. */
export interface RelyingParty {
  readonly id: string
  readonly origins: readonly string[]
}

/**
 * @param publicUrl undefined in development: then pages are opened at `localhost`
 * @returns undefined where PUBLIC_URL names an address, to which browsers bind no passkey
 */
export function relyingPartyOf(
  publicUrl: string | undefined,
  port: number,
  { rpId, origins = [] }: PasskeysOptions,
): RelyingParty | undefined {
  const url = new URL(publicUrl ?? `http://localhost:${port}`)
  if (isAddress(url.hostname)) return undefined
  return { id: rpId ?? url.hostname, origins: [url.origin, ...origins.map((origin) => new URL(origin).origin)] }
}

/** @throws passkeys_unavailable */
export function usable(party: RelyingParty | undefined): RelyingParty {
  if (!party) throw authProblem('passkeys_unavailable')
  return party
}

/** What browsers would refuse later, one user at a time. */
export function passkeyFaults(publicUrl: string | undefined, options: PasskeysOptions): readonly StartupFault[] {
  const faults: StartupFault[] = []
  const host = publicUrl === undefined ? 'localhost' : new URL(publicUrl).hostname
  const { rpId = host } = options
  const path = 'auth.passkeys.rpId'
  if (!isWithin(host, rpId) || (options.rpId !== undefined && rpId !== host && !rpId.includes('.')))
    faults.push({ path, problem: `is '${rpId}', and PUBLIC_URL has the host ${host}`, fix: `rpId: '${host}'` })
  for (const origin of options.origins ?? []) {
    const url = URL.canParse(origin) ? new URL(origin) : undefined
    const safe = url !== undefined && (url.protocol === 'https:' || url.hostname === 'localhost')
    if (safe && url.origin === origin && isWithin(url.hostname, rpId)) continue
    faults.push({
      path: 'auth.passkeys.origins',
      problem: `'${origin}' is no page that may use passkeys of ${rpId}`,
      fix: `an origin by https, of ${rpId} or a host below: 'https://www.${rpId}'`,
    })
  }
  return faults
}

function isWithin(host: string, domain: string): boolean {
  return host === domain || (host.endsWith(`.${domain}`) && !isAddress(host))
}

function isAddress(host: string): boolean {
  return host.startsWith('[') || isIP(host) !== 0
}
