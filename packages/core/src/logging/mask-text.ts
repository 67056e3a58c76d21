export const redacted = '[redacted]'

/** Longer texts are cut: one line must not fill the disk, and the worst text costs 0.5 µs a character (4 ms for all). */
const longest = 8_192

// One cheap look that most texts fail: 30 ns instead of 400 for all patterns.
const suspicious = /[@=]|%40|eyJ|plk_|whsec_|[sr]k_(?:live|test)|bearer|basic|-----BEGIN|"\s*:|:[\w+/-]{42}/i

// Every repetition is bounded or cannot overlap with what follows: texts come from requests, and a pattern that takes the
// square of their length is a way to stop the server.
const patterns: readonly (readonly [RegExp, string])[] = [
  // postgres://user:password@host: up to the last '@', because passwords hold '@' and '/' unescaped
  [/([a-z][a-z0-9+.-]{1,30}:\/\/)[^\s"'<>/:@]{0,200}:[^\s"'<>]{1,500}@/gi, `$1${redacted}@`],
  [/([a-z][a-z0-9+.-]{1,30}:\/\/)[^\s"'<>/]{1,500}@/gi, `$1${redacted}@`],
  [/-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[^]*?(?:-----END [A-Z0-9 ]{0,40}-----|$)/g, redacted],
  [/\b(bearer|basic)(\s{1,5}|%20)[A-Za-z0-9._~+/=|-]{6,}/gi, `$1 ${redacted}`],
  // JSON Web Tokens, and other base64url of JSON that begins with an object
  [/eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){0,4}/g, redacted],
  // Plinth's API keys, webhook secrets, keys of Stripe
  [/(?<![A-Za-z0-9])(plk|whsec|[sr]k_live|[sr]k_test)_[A-Za-z0-9+/=_.-]{4,}/g, `$1_${redacted}`],
  // kid:base64 of SECRET_KEYS
  [/\b[A-Za-z0-9_-]{1,16}:[A-Za-z0-9+/_-]{42,43}=?(?![A-Za-z0-9+/_-])/g, redacted],
  // ?api_key=…, password=… of connection strings, session_id=… of cookies
  [
    /((?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|session_id|signature|\bpwd|[?&]code)=)[^\s&;,"']{1,2000}/gi,
    `$1${redacted}`,
  ],
  // "password":"…" inside of a text that holds JSON, also escaped once; too much rather than the tail of a secret
  [
    /((?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|authorization|cookie)[\w-]{0,20}\\?"\s{0,5}:\s{0,5}\\?")(?:[^"\\]|\\.){1,2000}/gi,
    `$1${redacted}`,
  ],
  [/[\p{L}\p{N}._%+'-]{1,64}(?:@|%40)(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,24}/gu, '[email]'],
]

/**
 * A text without what looks like a credential or an e-mail address. It finds what can be recognised by its form; a password
 * in the middle of a sentence cannot. So it is the second net: the first is the name of the field.
 */
export function maskText(text: string): string {
  const short = text.length > longest ? `${text.slice(0, longest)}… (${text.length} characters)` : text
  if (!suspicious.test(short)) return short
  let result = short
  for (const [pattern, replacement] of patterns) result = result.replace(pattern, replacement)
  return result
}
