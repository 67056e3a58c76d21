/**
 * What the drivers themselves refuse or find out; everything else is the error of the client, with the server's SQLSTATE.
 * `classify` (connection-trouble.ts) reads both.
 */
export type DriverErrorCode =
  /** Too many statements wait for a connection. */
  | 'overloaded'
  /** The driver was closed. */
  | 'closed'
  /** No connection could be made. */
  | 'unreachable'
  /** The connection ended. */
  | 'connection_lost'
  /** The server stopped answering on an open connection. */
  | 'no_answer'
  /** The session does not print times as `Raw` says. */
  | 'wrong_session'
  /** The roles do not exist yet. */
  | 'not_migrated'
  /** Embedded: a transaction that sent nothing for too long, and was rolled back. */
  | 'transaction_idle'
  /** A transaction's handle was used after its end. */
  | 'transaction_over'
  /** The server answered COMMIT with something else. */
  | 'not_committed'
  /** The server takes no writes. */
  | 'read_only'
  /** begin, commit and the like as a statement. */
  | 'transaction_control'
  /** Embedded: a statement that names the session's identity. */
  | 'identity_change'
  /** Embedded: a statement beside the open transaction it waits for. */
  | 'beside_transaction'
  /** Embedded: another process, or this one, has the folder open. */
  | 'data_locked'
  /** Embedded: PGlite is not installed. */
  | 'package_missing'

/** Whether a statement can have had a lasting effect although its answer is missing. */
export type Sent = boolean | 'unknown'

export class DriverError extends Error {
  override readonly name = 'DriverError'
  readonly code: DriverErrorCode
  readonly sent: Sent

  constructor(
    code: DriverErrorCode,
    message: string,
    options: { readonly sent?: Sent; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.sent = options.sent ?? false
  }

  /** Compares the name, so that two installed copies of this package still understand each other. */
  static is(value: unknown): value is DriverError {
    return value instanceof Error && value.name === 'DriverError' && 'code' in value && 'sent' in value
  }
}

/**
 * Notes on a client's error that nothing of the work lasts, where only the driver can know it: the connection was never
 * ready, or it was lost before COMMIT was sent. `classify` reads it; it makes a repetition safe.
 */
export function nothingLasts(error: unknown): void {
  if (error instanceof Error && Object.isExtensible(error)) Object.assign(error, { sent: false })
}

/**
 * The same trouble as an error of one statement alone. With a connection all that is on it is lost, and the client rejects each with one and
 * the same error: what {@link nothingLasts} notes on it for the one would be believed of the others, and a COMMIT repeated that was done.
 */
export function ownError(error: unknown): unknown {
  if (DriverError.is(error))
    return new DriverError(error.code, error.message, {
      sent: error.sent,
      ...(error.cause !== undefined && { cause: error.cause }),
    })
  return error instanceof Error ? new Error(error.message, { cause: error }) : error
}
