/**
 * What a body may be: text, bytes, or bytes as they come. A stream is read once and never held; whoever answers one ends what it
 * holds open (a cursor, a file) in the stream's `cancel`, since callers hang up.
 */
export type AnswerBody = string | Uint8Array | ReadableStream<Uint8Array> | null

/** What a route answers, before it becomes a `Response`. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Null for an empty body. */
  readonly body: AnswerBody
  /** Whole `Set-Cookie` values: the one header of which there may be several. */
  readonly cookies?: readonly string[]
}

/** An answer that can be stored and replayed as it was: what is kept under an idempotency key is text. */
export interface TextAnswer extends Answer {
  readonly body: string | null
  /** The id of what was made, where the body holds a secret that is shown once: repeated, the request is answered without it. */
  readonly once?: string
}

/** Answers of the data stage. `private, no-cache`: a shared cache must never keep a tenant's rows. */
export function jsonAnswer(status: number, body: string, headers: Readonly<Record<string, string>> = {}): TextAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'private, no-cache', ...headers },
    body,
  }
}

export function emptyAnswer(status: number, headers: Readonly<Record<string, string>> = {}): TextAnswer {
  return { status, headers: { 'cache-control': 'private, no-cache', ...headers }, body: null }
}

/** What every answer depends on. */
export const VARY = 'Authorization, Cookie, X-API-Key, X-Tenant-ID'
/** A list is a page or an export, by `Accept`. */
export const LIST_VARY = `Accept, ${VARY}`
