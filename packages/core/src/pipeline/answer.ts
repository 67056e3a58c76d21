/** What a route answers, before it becomes a `Response`. Kept as text, so that it can be stored and replayed as it was. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Printed JSON (or other text); null for an empty body. */
  readonly body: string | null
}

/** Answers of the data stage. `private, no-cache`: a shared cache must never keep a tenant's rows. */
export function jsonAnswer(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'private, no-cache', ...headers },
    body,
  }
}

export function emptyAnswer(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'cache-control': 'private, no-cache', ...headers }, body: null }
}
