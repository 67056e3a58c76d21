import { Buffer } from 'node:buffer'
import { timingSafeEqual } from 'node:crypto'
import { signatureBy } from './sign-webhook.ts'

/** Seconds that a request may be old, or ahead: what is older may have been caught and be sent again. */
const TOLERANCE_S = 300

/** Why a request is not believed. */
export type WebhookRefusal = 'headers_missing' | 'timestamp_invalid' | 'too_old' | 'too_new' | 'signature_invalid'

export class WebhookVerificationError extends Error {
  override readonly name = 'WebhookVerificationError'
  readonly reason: WebhookRefusal

  constructor(reason: WebhookRefusal, message: string) {
    super(message)
    this.reason = reason
  }
}

export interface VerifyOptions {
  /** The time of the receiver. Default: now. */
  readonly now?: Date
}

/**
 * For whoever receives webhooks: is this request from whom it says, as it was sent, and new? Give it the body as it came, before anybody
 * parsed it. What is sent again has the same `webhook-id`: keep those that were worked on.
 *
 * @param headers by lower-case name
 * @returns the id of the message
 * @throws WebhookVerificationError; TypeError for what is no secret
 */
export function verifyWebhook(
  secret: string,
  headers: Readonly<Record<string, string | undefined>>,
  body: string,
  { now = new Date() }: VerifyOptions = {},
): string {
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(
    (name) => headers[name],
  )
  if (!id || !timestamp || !signatures)
    throw new WebhookVerificationError(
      'headers_missing',
      'webhook-id, webhook-timestamp and webhook-signature are needed',
    )
  if (!/^\d{1,12}$/.test(timestamp))
    throw new WebhookVerificationError('timestamp_invalid', 'webhook-timestamp is no number of seconds')
  const age = Math.floor(now.getTime() / 1_000) - Number(timestamp)
  if (age > TOLERANCE_S) throw new WebhookVerificationError('too_old', `it is older than ${TOLERANCE_S} seconds`)
  if (age < -TOLERANCE_S)
    throw new WebhookVerificationError('too_new', `it is ahead by more than ${TOLERANCE_S} seconds`)
  const wanted = Buffer.from(signatureBy(secret, { id, body, time: now }, timestamp))
  // All of them, each in the same time: how far one agrees must not be told by how long it takes.
  const agreeing = signatures.split(' ').filter((one) => {
    const given = Buffer.from(one)
    return given.length === wanted.length && timingSafeEqual(given, wanted)
  })
  if (agreeing.length === 0) throw new WebhookVerificationError('signature_invalid', 'no signature is by this secret')
  return id
}
