import { askOutside, outboundFailure, type NameLookup } from '@plinth/core'
import type { IncomingMessage } from 'node:http'

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

export interface CheckOptions {
  /** LOOKOUT_ALLOW_PRIVATE */
  readonly allowPrivate: boolean
  /** Milliseconds for everything: name, connection, TLS, answer. */
  readonly timeout?: number
  readonly signal?: AbortSignal
  readonly lookup?: NameLookup
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
    const answer = await askOutside({
      url: target.url,
      method: target.method,
      headers: { 'user-agent': USER_AGENT, accept: '*/*', ...target.headers },
      signal,
      allowPrivate,
      lookup: options.lookup,
    })
    responseMs = elapsed()
    await readSome(answer)
    return judge(target, answer, responseMs)
  } catch (error) {
    options.signal?.throwIfAborted()
    const late = deadline.aborted ? `No answer within ${timeout / 1000} s` : outboundFailure(error)
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

/** @throws when the body breaks off before its end */
async function readSome(answer: IncomingMessage): Promise<void> {
  let read = 0
  for await (const chunk of answer) {
    read += (chunk as Buffer).byteLength
    if (read >= MOST_BODY) break // leaving the loop closes the connection
  }
}
