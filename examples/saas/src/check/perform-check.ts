import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { failureInWords, PrivateAddressError } from './check-failure.ts'
import { isPublicAddress } from './private-address.ts'

export interface CheckTarget {
  readonly url: URL
  readonly method: 'GET' | 'HEAD'
  readonly expectedStatus: number
  /** Beside those that every check sends; lower-case names. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface CheckResult {
  readonly status: 'up' | 'down'
  /** Milliseconds until the headers of the answer were there; null where none came. */
  readonly responseMs: number | null
  /** Why it is down, in words; null when it is up. */
  readonly error: string | null
}

/** Resolves a name to all its addresses, as `dns.lookup` with `all: true`. Tests give another one. */
export type Lookup = (
  hostname: string,
  options: { readonly all: true },
  answer: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

export interface CheckOptions {
  /** LOOKOUT_ALLOW_PRIVATE */
  readonly allowPrivate: boolean
  /** Milliseconds for everything: name, connection, TLS, answer. */
  readonly timeout?: number
  readonly signal?: AbortSignal
  readonly lookup?: Lookup
}

const USUAL_TIMEOUT = 10_000
/** Bytes of the body that are read, to see that it comes; a page that never ends must not be ours to store. */
const MOST_BODY = 262_144
const USER_AGENT = 'Lookout/0.1 (uptime check)'

/**
 * Asks for one page and says whether the site is up. Every failure of the site is a result and not an exception; only the
 * caller's own `signal` rejects. A redirect is an answer like any other and is not followed: it could lead inside.
 */
export async function performCheck(target: CheckTarget, options: CheckOptions): Promise<CheckResult> {
  const { allowPrivate, timeout = USUAL_TIMEOUT } = options
  const deadline = AbortSignal.timeout(timeout)
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline
  const startedAt = performance.now()
  const elapsed = (): number => Math.max(1, Math.round(performance.now() - startedAt))
  let responseMs: number | null = null
  try {
    // Node connects to a literal address without asking `lookup`, so both places check.
    const host = target.url.hostname.replace(/^\[|\]$/g, '')
    if (!allowPrivate && isIP(host) !== 0 && !isPublicAddress(host)) throw new PrivateAddressError()
    const answer = await ask(target, guarded(options.lookup ?? systemLookup, allowPrivate), signal)
    responseMs = elapsed()
    await readSome(answer)
    return judge(target, answer, responseMs)
  } catch (error) {
    options.signal?.throwIfAborted()
    const late = deadline.aborted ? `No answer within ${timeout / 1000} s` : failureInWords(error)
    return { status: 'down', responseMs, error: late }
  }
}

function judge(
  { expectedStatus }: CheckTarget,
  { statusCode, headers }: IncomingMessage,
  responseMs: number,
): CheckResult {
  if (statusCode === expectedStatus) return { status: 'up', responseMs, error: null }
  const where = headers.location === undefined ? '' : ', which leads elsewhere and is not followed'
  return {
    status: 'down',
    responseMs,
    error: `The server answered ${statusCode}${where}; ${expectedStatus} was expected`,
  }
}

/**
 * Checks every address of a name and hands on those very addresses: the connection cannot go to another one than was
 * checked, however often the name changes (DNS rebinding).
 */
function guarded(lookup: Lookup, allowPrivate: boolean): LookupFunction {
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

function ask(
  { url, method, headers }: CheckTarget,
  lookup: LookupFunction,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const secure = url.protocol === 'https:'
  const options: RequestOptions = {
    method,
    lookup,
    signal,
    // An agent of its own: the global one may go through a proxy, which would resolve the name again by itself.
    agent: secure ? new HttpsAgent() : new HttpAgent(),
    headers: { 'user-agent': USER_AGENT, accept: '*/*', ...headers, connection: 'close' },
    maxHeaderSize: 16_384,
  }
  return new Promise((resolve, reject) => {
    const request = (secure ? httpsRequest : httpRequest)(url, options, resolve)
    request.on('error', reject)
    // An answer of 101 closes the request with neither an answer nor an error.
    request.on('close', () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' })))
    request.end()
  })
}

/** @throws when the body breaks off before its end */
async function readSome(answer: IncomingMessage): Promise<void> {
  let read = 0
  for await (const chunk of answer) {
    read += (chunk as Buffer).byteLength
    if (read >= MOST_BODY) break // leaving the loop closes the connection
  }
}
