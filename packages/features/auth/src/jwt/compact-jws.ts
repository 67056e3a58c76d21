/** The three parts of a JWS in compact serialization (RFC 7515 §7.1). */
export interface CompactJws {
  readonly header: unknown
  /** The payload; read it after the signature was verified. */
  readonly payload: () => unknown
}

const compact = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/

/**
 * Takes a token apart; strict, since it reads only what {@link accessTokens} issues. Libraries drop white space and padding in
 * base64, and take one of two members of one name: two readers that differ can be played against each other.
 * @param token of a length that the caller has bounded
 * @returns undefined where this is no such token. Never throws.
 */
export function readJws(token: string): CompactJws | undefined {
  const [, header, payload, signature] = compact.exec(token) ?? []
  if (header === undefined || payload === undefined || signature === undefined) return undefined
  const bytes = Buffer.from(signature, 'base64url')
  if (bytes.toString('base64url') !== signature) return undefined
  const read = readJson(header)
  if (read === undefined) return undefined
  return { header: read, payload: () => readJson(payload) }
}

/**
 * JSON in the one spelling that JSON.stringify gives it: no white space, no member twice, no number in another form. Bits
 * that base64 leaves over and bytes that are no UTF-8 do not come back the same either.
 */
function readJson(part: string): unknown {
  const text = Buffer.from(part, 'base64url').toString('utf8')
  if (Buffer.from(text).toString('base64url') !== part) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return JSON.stringify(value) === text ? value : undefined
  } catch {
    return undefined
  }
}
