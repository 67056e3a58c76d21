import { maskText } from './mask-text.ts'

/** What is written of an error. Nothing else of it: drivers hang queries, parameters and connection settings on theirs. */
export interface ErrorFields {
  readonly type: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: ErrorFields | string
  readonly errors?: readonly (ErrorFields | string)[]
}

const longestChain = 4
const mostErrors = 5

/** By its shape: an error of another realm (vm, worker) is no instance of this one's class. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]'
}

/** An error with its stack, its causes (4) and, of an AggregateError, its errors (5), all without credentials and addresses. */
export function errorFields(error: Error, depth = 1): ErrorFields {
  const { cause } = error
  const errors = 'errors' in error && Array.isArray(error.errors) ? error.errors.slice(0, mostErrors) : undefined
  const deeper = (value: unknown) =>
    isError(value) && depth < longestChain ? errorFields(value, depth + 1) : maskText(plainText(value))
  return {
    type: String(error.name),
    message: clean(String(error.message)),
    ...('code' in error && (typeof error.code === 'string' || typeof error.code === 'number')
      ? { code: maskText(String(error.code)) }
      : {}),
    ...(typeof error.stack === 'string' ? { stack: clean(error.stack) } : {}),
    ...(cause === undefined || cause === null ? {} : { cause: deeper(cause) }),
    ...(errors ? { errors: errors.map(deeper) } : {}),
  }
}

// Drizzle's DrizzleQueryError puts every parameter of the statement into its message: passwords' hashes, tokens, names.
const parameters = /^params: [^]*?(?=\n {4}at |(?![^]))/gm

const clean = (text: string): string => maskText(text.replace(parameters, 'params: [redacted]'))

/** A thrown object is told by its kind: its fields were not looked at. */
function plainText(value: unknown): string {
  if (isError(value)) return `${value.name}: ${value.message}`
  return typeof value === 'object' && value !== null ? Object.prototype.toString.call(value) : String(value)
}
