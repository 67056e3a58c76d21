/** What a client calls a request by, so that it is carried out once. */
export interface IdempotencyKey {
  readonly key: string
  /**
   * Kept beside the answer: a signature over method, path and body, since the same key with another request is a mistake of the client.
   * A bare hash would let whoever reads the table guess at the passwords in bodies, as fast as SHA-256 is.
   */
  readonly fingerprint: string
  /** Whether the kept fingerprint is of this request; a key of the ring that has been followed by another still tells. */
  matches(fingerprint: string): boolean
}

/** What was found under a key: nothing (and it is ours now), an answer, another request's answer, or a request still running. */
export type KeyClaim =
  | { readonly found: 'nothing' | 'other' | 'running' }
  | { readonly found: 'answer'; readonly sealed: string }
