import { normalMailAddress, problem } from '@plinth/core'

/**
 * An address as it is stored and compared.
 * @throws validation_failed
 */
export function emailAddress(text: string, path = '/email'): string {
  const address = normalMailAddress(text)
  if (address !== undefined) return address
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
