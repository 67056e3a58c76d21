import {
  askOutside,
  outboundFailure,
  ResilienceError,
  traceparentOf,
  type NameLookup,
  type Platform,
  type Resilience,
} from '@plinth/core'
import { openSecrets, signingSecrets } from '../secret/webhook-secret.ts'
import { signWebhook } from '../sign/sign-webhook.ts'
import { isListed } from '../url/allowed-hosts.ts'
import { faultOfUrl } from '../url/url-rule.ts'
import type { Claimed } from './claim.ts'
import { restAsked } from './pauses.ts'

/** What came of one attempt. */
export interface AttemptResult {
  readonly delivered: boolean
  /** Of HTTP; null where no answer came. */
  readonly status: number | null
  readonly milliseconds: number
  /** Why it failed, in words that may be shown to the tenant; null where it did not. */
  readonly error: string | null
  /** Seconds of rest that the receiver asked for. */
  readonly restSeconds: number | undefined
  /** It wants nothing any more (410). */
  readonly gone: boolean
}

/** Bytes of an answer that are read, so that its server sees it taken; nothing of it is kept: what an inside host says is not for the tenant. */
const MOST_BODY = 65_536

export interface AttemptParts {
  readonly platform: Platform
  readonly way: Resilience
  readonly lookup: NameLookup | undefined
}

/**
 * Sends one delivery, once. Everything that a receiver may do wrong is a result and not an exception.
 * @param signal of the process: rejects with its reason
 */
export async function attempt(parts: AttemptParts, delivery: Claimed, signal: AbortSignal): Promise<AttemptResult> {
  const { platform, way, lookup } = parts
  const startedAt = performance.now()
  const ended = (given: Partial<AttemptResult>): AttemptResult => ({
    delivered: false,
    status: null,
    milliseconds: Math.round(performance.now() - startedAt),
    error: null,
    restSeconds: undefined,
    gone: false,
    ...given,
  })
  try {
    return await way.run(async (late) => {
      const { status, retryAfter, location } = await send(platform, delivery, AbortSignal.any([signal, late]), lookup)
      if (status >= 200 && status < 300) return ended({ delivered: true, status })
      const elsewhere = location && status >= 300 && status < 400 ? ' and leads elsewhere, which is not followed' : ''
      const restSeconds = restAsked(status, retryAfter, platform.clock.now())
      return ended({ status, error: `It answered ${status}${elsewhere}`, restSeconds, gone: status === 410 })
    })
  } catch (error) {
    signal.throwIfAborted()
    return ended({ error: inWords(error) })
  }
}

function inWords(error: unknown): string {
  if (error instanceof NotSent) return error.message
  if (ResilienceError.is(error)) return error.reason === 'timeout' ? 'No answer in time' : 'Too many are under way'
  return outboundFailure(error)
}

/** It was not even sent, for a reason that the tenant may be told. */
class NotSent extends Error {
  override readonly name = 'NotSent'
}

async function send(
  platform: Platform,
  { tenantId, webhookId, eventId, body, url: address, secret, requestId, traceparent }: Claimed,
  signal: AbortSignal,
  lookup: NameLookup | undefined,
): Promise<{ readonly status: number; readonly retryAfter: string | undefined; readonly location: boolean }> {
  const listed = platform.settings.WEBHOOKS_ALLOW_HOSTS
  // What was allowed when it was written may have been taken off the list, or came in another way than by a request.
  const fault = faultOfUrl(address, listed)
  if (fault !== undefined) throw new NotSent(fault)
  if (secret === null) throw new NotSent('It has no secret to sign with: rotate it')
  const url = new URL(address)
  const now = platform.clock.now()
  const secrets = signingSecrets(openSecrets(platform.secrets, { tenantId, id: webhookId }, secret), now)
  const trace = traceparent === null ? undefined : traceparentOf(traceparent)
  const answer = await askOutside({
    url,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Plinth-Webhooks/1',
      ...signWebhook(secrets, { id: eventId, time: now, body }),
      'x-request-id': requestId,
      ...(trace !== undefined && { traceparent: trace }),
    },
    body,
    signal,
    allowPrivate: isListed(listed, url),
    lookup,
  })
  const { statusCode = 0, headers } = answer
  let read = 0
  try {
    for await (const chunk of answer) {
      read += (chunk as Buffer).byteLength
      if (read >= MOST_BODY) break // leaving the loop closes the connection
    }
  } catch {
    // It has answered: what its body comes to changes nothing.
  }
  return { status: statusCode, retryAfter: headers['retry-after'], location: headers.location !== undefined }
}
