import { createHash } from 'node:crypto'

/**
 * The key of a bucket in the store: its name in clear, and of whom it is as a digest, so that no address and no account stands in
 * the store, and nobody makes a key as long as he likes.
 * @param who parts that no two holders share, in one order
 */
export function bucketKey(name: string, ...who: readonly string[]): string {
  // As JSON: `a`,`b|c` and `a|b`,`c` are two.
  const digest = createHash('sha256')
    .update(JSON.stringify([name, ...who]))
    .digest('base64url')
  return `${name}:${digest.slice(0, 22)}`
}

/** Names are tokens of the header and of the store. */
export function isLimitName(name: string): boolean {
  return /^[a-z][a-z0-9-]{0,39}$/.test(name)
}
