import { createHmac } from 'node:crypto'
import { secretKey } from './secret-key.ts'

/** What is signed of a request: Standard Webhooks, https://www.standardwebhooks.com. */
export interface SignedMessage {
  /** Of the event, the same each time that it is sent. */
  readonly id: string
  /** When it is sent. */
  readonly time: Date
  /** As it is sent. Never printed anew: other spaces, another order of keys or `1e2` for `100` is another text. */
  readonly body: string
}

/** Seconds since 1970, as the header has it. */
export function timestampOf(time: Date): string {
  return String(Math.floor(time.getTime() / 1_000))
}

/** The signature by one secret: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`. */
export function signatureBy(secret: string, { id, body }: SignedMessage, timestamp: string): string {
  return `v1,${createHmac('sha256', secretKey(secret)).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}

/**
 * The headers by which a receiver knows who sends. While a secret is rotated there are several, each with a signature of its own, and
 * whoever knows one of them is content.
 * @throws TypeError for what is no secret
 */
export function signWebhook(
  secrets: readonly string[],
  message: SignedMessage,
): Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>> {
  const timestamp = timestampOf(message.time)
  const signatures = secrets.map((secret) => signatureBy(secret, message, timestamp))
  return { 'webhook-id': message.id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}
