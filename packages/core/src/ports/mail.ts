import type { StartupFault } from '../errors/startup-error.ts'
import type { Observed } from '../platform/observed.ts'

/** One mail to one address. Never two: whoever stands in `To` would be told to the other. */
export interface Mail {
  /** An address alone, `ada@example.com`: without a name, without angle brackets. */
  readonly to: string
  readonly toName?: string
  /** One line. */
  readonly subject: string
  /** The same words twice, for readers that show HTML and for those that do not. */
  readonly text: string
  readonly html: string
  /** More headers, each value one line: `List-Unsubscribe`. Those that a mailer makes itself (`From`, `Content-Type` …) are refused. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Takes mails to their way. Called outside of transactions: a mail server answers when it likes, and cannot be rolled back. */
export interface Mailer extends Observed {
  /** For logs and faults: `smtp`, `console`. */
  readonly name: string
  /** What is wrong with its configuration; told at start by the feature that it was given to. */
  readonly faults?: readonly StartupFault[]
  /**
   * Resolves when the next server has taken the mail over, which does not mean that it arrived. Tries again only where it surely
   * was not: whoever calls decides about a mail that may be sent twice.
   * @throws MailError
   */
  send(mail: Mail): Promise<void>
  /** Ends its connections; called when the platform closes, after the last mail. */
  close?(): Promise<void>
}

/** A mail that was not taken over, in words that may be logged: they hold no password, no link and no body. */
export class MailError extends Error {
  override readonly name = 'MailError'
  /**
   * True where the same mail may go through later (the server is down, busy, or refuses our login); false where sending it
   * again is in vain (there is no such recipient, the mail is malformed).
   */
  readonly temporary: boolean

  constructor(message: string, options: { readonly temporary: boolean; readonly cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.temporary = options.temporary
  }

  /** By name, so that two installed copies of this package still understand each other. */
  static is(value: unknown): value is MailError {
    return value instanceof Error && value.name === 'MailError' && 'temporary' in value
  }
}
