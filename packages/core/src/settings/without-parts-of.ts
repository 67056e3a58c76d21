/** Shorter pieces are words that any sentence may hold. */
const piece = 6

/**
 * A message about a secret, without any piece of the secret. A schema's own message may quote what it was given
 * (`'hunter2-…' is no key`), and faults are printed to terminals and collected logs.
 * @param message what the schema said
 * @param secret the text that was judged
 */
export function withoutPartsOf(message: string, secret: string): string {
  const size = Math.min(piece, secret.length)
  if (size < 3) return 'is not valid'
  const pieces = new Set<string>()
  for (let at = 0; at + size <= secret.length; at++) pieces.add(secret.slice(at, at + size))
  let result = ''
  let hiddenUntil = 0
  for (let at = 0; at < message.length; at++) {
    if (pieces.has(message.slice(at, at + size))) {
      if (at >= hiddenUntil) result += '[redacted]'
      hiddenUntil = at + size
    }
    if (at >= hiddenUntil) result += message[at]
  }
  return result
}
