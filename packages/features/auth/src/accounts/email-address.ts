import { isMailAddress, problem } from '@plinth/core'

/**
 * An address as it is stored and compared: normalised before it is judged (NFKC, RFC 8265 §3), since two spellings of one text would
 * be two accounts, and one of them somebody else's. The domain in lower case.
 * @throws validation_failed
 */
export function emailAddress(text: string, path = '/email'): string {
  const whole = text.normalize('NFKC').trim()
  const at = whole.lastIndexOf('@')
  const address = `${whole.slice(0, at)}@${whole.slice(at + 1).toLowerCase()}`
  if (at > 0 && isMailAddress(address)) return address
  throw problem('validation_failed', {
    errors: [{ path, code: 'invalid_email', message: 'This is no e-mail address' }],
  })
}

/**
 * 3 to 32 letters, digits, `.`, `_`, `-`: a name that nobody can mistake for an address, or for another name by its look.
 * @throws validation_failed
 */
export function userName(text: string, path = '/username'): string {
  const name = text.normalize('NFKC').trim()
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{2,31}$/.test(name)) return name
  throw problem('validation_failed', {
    errors: [{ path, code: 'invalid_username', message: 'Use 3 to 32 letters, digits, dots, dashes or underscores' }],
  })
}
