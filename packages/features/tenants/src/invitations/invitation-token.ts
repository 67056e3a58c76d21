import { createHash, randomBytes } from 'node:crypto'

/** What stands in the link: 256 bits. */
export function newToken(): string {
  return randomBytes(32).toString('base64url')
}

/** What is kept. The token is random: no salt and no slow hash would add to it. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
