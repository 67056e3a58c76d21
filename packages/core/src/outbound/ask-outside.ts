import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { PrivateAddressError } from './outbound-failure.ts'
import { isPublicAddress } from './private-address.ts'
import { resolveName } from './resolve-name.ts'

/** Answers before the answer (1xx) that are read: without an end they would keep a process busy with nothing. */
const MOST_INFORMATION = 5

/** Resolves a name to all its addresses, as `dns.lookup` with `all: true`. Tests give another one. */
export type NameLookup = (
  hostname: string,
  options: { readonly all: true },
  answer: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/** A request to an URL that somebody else named. */
export interface OutboundRequest {
  readonly url: URL
  readonly method: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Ends it: name, connection, TLS, answer. The body of the answer is cut with it. */
  readonly signal: AbortSignal
  /** Whether addresses that only this server may reach are opened all the same. */
  readonly allowPrivate: boolean
  readonly lookup?: NameLookup | undefined
}

/**
 * Asks an URL that somebody else named, without becoming his way inside: every address of its name is checked, and the connection goes to
 * those very addresses. A redirect is an answer like any other and is not followed: it could lead inside.
 * @returns the answer, its body unread: read it or destroy it
 * @throws PrivateAddressError; whatever goes wrong on the way, see `outboundFailure`
 */
export async function askOutside(request: OutboundRequest): Promise<IncomingMessage> {
  const { url, method, headers, body, signal, allowPrivate } = request
  // Node connects to a literal address without asking `lookup`, so both places check.
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (!allowPrivate && isIP(host) !== 0 && !isPublicAddress(host)) throw new PrivateAddressError()
  const secure = url.protocol === 'https:'
  const options: RequestOptions = {
    method,
    signal,
    lookup: guarded(request.lookup ?? lookupFor(allowPrivate, signal), allowPrivate),
    // An agent of its own: the global one may go through a proxy, which would resolve the name again by itself.
    agent: secure ? new HttpsAgent() : new HttpAgent(),
    headers: { ...headers, connection: 'close' },
    maxHeaderSize: 16_384,
  }
  return new Promise((resolve, reject) => {
    const sent = (secure ? httpsRequest : httpRequest)(url, options, resolve)
    sent.on('error', reject)
    let informed = 0
    sent.on('information', () => {
      informed += 1
      if (informed > MOST_INFORMATION) sent.destroy(Object.assign(new Error('too much'), { code: 'HPE_INFORMATION' }))
    })
    // An answer of 101 closes the request with neither an answer nor an error.
    sent.on('close', () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' })))
    sent.end(body)
  })
}

/** What this machine calls by a name of its own (`/etc/hosts`) is private: it is found where such addresses may be opened. */
function lookupFor(allowPrivate: boolean, signal: AbortSignal): NameLookup {
  if (allowPrivate) return systemLookup
  return (hostname, _options, answer) =>
    void resolveName(hostname, signal).then(
      (addresses) => answer(null, [...addresses]),
      (error: unknown) => answer(error as NodeJS.ErrnoException, []),
    )
}

/**
 * Checks every address of a name and hands on those very addresses: the connection cannot go to another one than was
 * checked, however often the name changes (DNS rebinding).
 */
function guarded(lookup: NameLookup, allowPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { all: true }, (error, addresses) => {
      const [first] = addresses ?? []
      if (error || !first)
        return callback(error ?? Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), '', 4)
      if (!allowPrivate && !addresses.every(({ address }) => isPublicAddress(address)))
        return callback(new PrivateAddressError(), '', 4)
      if (options.all) return callback(null, addresses)
      return callback(null, first.address, first.family)
    })
  }
}
