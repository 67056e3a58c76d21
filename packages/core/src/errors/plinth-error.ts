import { coreErrors, type CoreErrorCode, type ErrorDefinition } from './registry.ts'

/** One fault of the input: where (`/status`, `?sort`), which (a stable code), and words for people. */
export interface InputFault {
  readonly path: string
  readonly code: string
  readonly message: string
}

export interface ErrorDetails {
  /** What exactly was wrong, in words that may be shown to the caller. Never a cause from inside (SQL, stack). */
  readonly detail?: string
  readonly errors?: readonly InputFault[]
  readonly headers?: Readonly<Record<string, string>>
  /** Kept for the log only. */
  readonly cause?: unknown
  /** Id of the account that it is about, for the audit log alone. */
  readonly concerns?: string | undefined
  /** The permission that was asked for and not held, `site:update`: names what was denied, for the audit log alone. */
  readonly asked?: string | undefined
}

/**
 * The one error class. Anything else that is thrown is a fault of ours and answers 500 without its cause.
 * `PlinthError.is` compares the name, so that two installed copies of this package still understand each other.
 */
export class PlinthError extends Error {
  override readonly name = 'PlinthError'
  readonly code: string
  readonly status: number
  readonly title: string
  readonly errors: readonly InputFault[] | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly detail: string | undefined
  /** Id of the account that it is about, for the audit log alone: no answer says it. */
  readonly concerns: string | undefined
  /** The permission that was not held, for the audit log alone. */
  readonly asked: string | undefined

  constructor(code: string, definition: ErrorDefinition, details: ErrorDetails = {}) {
    super(details.detail ?? definition.title, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.status = definition.status
    this.title = definition.title
    this.detail = details.detail
    this.concerns = details.concerns
    this.asked = details.asked
    this.errors = details.errors
    this.headers = details.headers ?? {}
  }

  static is(value: unknown): value is PlinthError {
    return value instanceof Error && value.name === 'PlinthError' && 'code' in value && 'status' in value
  }
}

/** Makes an error of the core registry: `throw problem('not_found')`. */
export function problem(code: CoreErrorCode, details?: ErrorDetails): PlinthError {
  return new PlinthError(code, coreErrors[code], details)
}
