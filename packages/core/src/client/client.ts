import { NodeRequest } from '../node/node-request.ts'
import { parseAddress, type IpAddress } from './ip-address.ts'
import type { TrustedProxies } from './trusted-proxies.ts'

/** The other end of the connection, as the server knows it. */
export interface Peer {
  /** Address of the TCP connection, never of a header. Undefined where there is none (a Unix socket). */
  readonly address?: string | undefined
  /** Whether the connection itself is encrypted. Default: whether the URL begins with `https:`. */
  readonly secure?: boolean | undefined
}

/** Who sent a request, as far as it can be known without a credential. */
export interface Client {
  /** In its one spelling (RFC 5952, IPv4-mapped IPv6 as IPv4). Undefined where nobody told it. */
  readonly address: string | undefined
  /**
   * What is counted as one client: an IPv4 address, the /64 of an IPv6 one, `unknown` for a peer without a (legible) address.
   * Undefined where no peer was told at all: a call in process, which no limit of addresses counts.
   */
  readonly key: string | undefined
  /**
   * Whether, by all that the request tells, nobody else has this address: false behind a proxy that is not trusted, whose address all of
   * its clients share. A client can make it false by what it sends, never true.
   */
  readonly own: boolean
  /** Encrypted, at least as far as the outermost trusted proxy. */
  readonly secure: boolean
  /** What the client calls itself, never believed; at most 512 characters. */
  readonly userAgent: string | undefined
}

/**
 * Who sent this. `X-Forwarded-For` is read only where the peer is a trusted proxy, from the right, since each proxy appends what
 * it saw and everything further left may be forged: the first address that is no trusted proxy is the client's. An entry that is
 * no address ends the walk at the last good one. Never throws.
 */
export function clientOf(
  proxies: TrustedProxies,
  request: Request,
  headers: Readonly<Record<string, string>>,
  peer: Peer | undefined = request instanceof NodeRequest ? request.peer : undefined,
): Client {
  const userAgent = headers['user-agent']?.slice(0, 512)
  const secure = peer?.secure ?? request.url.startsWith('https:')
  const nearest = peer?.address === undefined ? undefined : known(peer.address)
  if (!nearest) return { address: undefined, key: peer && 'unknown', own: false, secure, userAgent }
  if (proxies.none || !proxies.has(nearest)) {
    const own = !signsOfProxies.some((name) => headers[name] !== undefined)
    return { address: nearest.text, key: nearest.key, own, secure, userAgent }
  }
  const { address, hops, whole } = walk(proxies, nearest, headers['x-forwarded-for'] ?? '')
  const scheme = forwardedScheme(headers['x-forwarded-proto'], hops)
  return {
    address: address.text,
    key: address.key,
    own: whole && !proxies.has(address),
    secure: scheme === undefined ? secure : scheme === 'https' || scheme === 'wss',
    userAgent,
  }
}

/** No honest chain is longer; a header of 16 KB holds two thousand. */
const MOST_HOPS = 32

/** What a proxy adds to a request that it passes on. */
const signsOfProxies = ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip', 'x-forwarded-proto']

interface Walk {
  readonly address: IpAddress
  readonly hops: number
  /** Nothing is left of the address: what stands there was told by the client, or by a proxy that nobody named. */
  readonly whole: boolean
}

/** The nearest address that is no trusted proxy, and how many trusted ones stand before it. */
function walk(proxies: TrustedProxies, nearest: IpAddress, forwarded: string): Walk {
  let address = nearest
  let hops = 0
  let end = forwarded.length
  while (end > 0 && hops < MOST_HOPS && proxies.has(address)) {
    const comma = forwarded.lastIndexOf(',', end - 1)
    const next = known(withoutPort(forwarded.slice(comma + 1, end).trim()))
    hops += 1
    if (!next) break
    address = next
    end = comma
  }
  return { address, hops: Math.max(hops, 1), whole: end <= 0 }
}

/** Some proxies append the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function withoutPort(entry: string): string {
  return /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(entry)?.[1] ?? /^\[([^\]]+)\](?::\d{1,5})?$/.exec(entry)?.[1] ?? entry
}

/**
 * Of several values the one that the outermost of the trusted proxies wrote. Most proxies write one value over what came; where
 * the list is shorter than the chain, the first is the outermost's.
 */
function forwardedScheme(header: string | undefined, hops: number): string | undefined {
  if (header === undefined) return undefined
  const values = header.split(',')
  return values[Math.max(0, values.length - hops)]?.trim().toLowerCase()
}

/** Reading an IPv6 address costs 2 µs, and the same few come again and again. Bounded, or a stranger would fill it. */
const MOST_KNOWN = 4_096
const addresses = new Map<string, IpAddress | undefined>()

function known(text: string): IpAddress | undefined {
  if (text.length > 64) return undefined
  const found = addresses.get(text)
  if (found) return found
  const address = parseAddress(text)
  if (addresses.size >= MOST_KNOWN) addresses.clear()
  if (address) addresses.set(text, address)
  return address
}
