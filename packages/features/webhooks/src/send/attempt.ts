import type { IncomingMessage } from 'node:http'
import {
  askOutside,
  outboundFailure,
  PrivateAddressError,
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
/** And how long they are waited for, in milliseconds. */
const BODY_MS = 1_000

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
  // What is wrong with a key of ours is no fault of the receiver, and counts for none.
  const headers = headersOf(platform, delivery)
  try {
    return await way.run(async (late) => {
      const { status, retryAfter, location } = await send({
        platform,
        delivery,
        headers,
        lookup,
        signal: AbortSignal.any([signal, late]),
      })
      if (status >= 200 && status < 300) return ended({ delivered: true, status })
      const elsewhere = location && status >= 300 && status < 400 ? ' and leads elsewhere, which is not followed' : ''
      const restSeconds = restAsked(status, retryAfter, timeOf(delivery))
      return ended({ status, error: `It answered ${status}${elsewhere}`, restSeconds, gone: status === 410 })
    })
  } catch (error) {
    signal.throwIfAborted()
    // Nothing that the network or the receiver could do: a mistake of ours.
    if (!(error instanceof NotSent) && !ResilienceError.is(error) && !isOfTheNetwork(error)) throw error
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

/** Errors of Node have a code; so has what refuses a private address a name. */
function isOfTheNetwork(error: unknown): boolean {
  return error instanceof PrivateAddressError || (error instanceof Error && 'code' in error)
}

/** When this is sent, by the clock of the database. */
function timeOf({ claimedAt, askedAt }: Claimed): Date {
  return new Date(claimedAt.getTime() + performance.now() - askedAt)
}

/** Undefined where there is no secret to sign with. */
function headersOf({ secrets }: Platform, delivery: Claimed): Readonly<Record<string, string>> | undefined {
  const { tenantId, webhookId, eventId, body, secret, requestId, traceparent } = delivery
  if (secret === null) return undefined
  const time = timeOf(delivery)
  const signing = signingSecrets(openSecrets(secrets, { tenantId, id: webhookId }, secret), time)
  const trace = traceparent === null ? undefined : traceparentOf(traceparent)
  return {
    'content-type': 'application/json',
    'user-agent': 'Plinth-Webhooks/1',
    ...signWebhook(signing, { id: eventId, time, body }),
    'x-request-id': requestId,
    ...(trace !== undefined && { traceparent: trace }),
  }
}

interface Sending {
  readonly platform: Platform
  readonly delivery: Claimed
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly lookup: NameLookup | undefined
  readonly signal: AbortSignal
}

interface Answered {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly location: boolean
}

async function send({ platform, delivery, headers, lookup, signal }: Sending): Promise<Answered> {
  const listed = platform.settings.WEBHOOKS_ALLOW_HOSTS
  // What was allowed when it was written may have been taken off the list, or came in another way than by a request.
  const fault = faultOfUrl(delivery.url, listed)
  if (fault !== undefined) throw new NotSent(fault)
  if (!headers) throw new NotSent('It has no secret to sign with: rotate it')
  const url = new URL(delivery.url)
  const allowPrivate = isListed(listed, url)
  const answer = await askOutside({ url, method: 'POST', headers, body: delivery.body, signal, allowPrivate, lookup })
  // Its head says all; nobody waits for a body, which may never end.
  void takeAway(answer)
  const { statusCode = 0, headers: told } = answer
  return { status: statusCode, retryAfter: told['retry-after'], location: told.location !== undefined }
}

/** Reads the body for a moment, so that a server is not cut off in the middle of a short one. */
async function takeAway(answer: IncomingMessage): Promise<void> {
  const timer = setTimeout(() => answer.destroy(), BODY_MS).unref()
  let read = 0
  try {
    for await (const chunk of answer) {
      read += (chunk as Buffer).byteLength
      if (read >= MOST_BODY) break // leaving the loop closes the connection
    }
  } catch {
    // Cut off: what it would have said changes nothing.
  } finally {
    clearTimeout(timer)
  }
}
