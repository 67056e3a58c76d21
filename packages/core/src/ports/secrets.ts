/** Signing and sealing with the platform's key ring. The key id is in the value, so that keys can be rotated. */
export interface Secrets {
  /** HMAC of `text` for one purpose: a signature made for cursors is worth nothing elsewhere. */
  sign(purpose: string, text: string): string
  verify(purpose: string, text: string, signature: string): boolean
  /** AES-256-GCM; `context` is bound as additional data: what was sealed for one tenant does not open for another. */
  seal(text: string, context: string): string
  open(sealed: string, context: string): string
}
