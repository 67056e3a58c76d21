import { Buffer } from 'node:buffer'

/**
 * The bytes of a secret: `whsec_` and base64, or base64 alone.
 * @throws TypeError for what is none, or has fewer than 16 bytes
 */
export function secretKey(secret: string): Buffer {
  const text = secret.startsWith('whsec_') ? secret.slice('whsec_'.length) : secret
  const bytes = /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : Buffer.alloc(0)
  // An empty key signs as well, and everybody has it.
  if (bytes.length < 16) throw new TypeError('this is no secret of a webhook: whsec_ and base64 of at least 16 bytes')
  return bytes
}
