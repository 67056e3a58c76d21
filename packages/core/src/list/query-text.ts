import { problem } from '../errors/plinth-error.ts'

/**
 * Reads a raw query into its parameters. Strict where `URLSearchParams` guesses: an invalid escape, invalid UTF-8, a NUL or
 * the same parameter twice (two readers could take different ones) is a 400.
 * @throws malformed_request, invalid_query
 */
export function readQuery(search: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  if (search === '') return parameters
  for (const pair of search.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decode(equals < 0 ? pair : pair.slice(0, equals))
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1))
    if (parameters.has(name)) {
      throw problem('invalid_query', {
        errors: [{ path: `?${name}`, code: 'repeated', message: 'The parameter stands twice' }],
      })
    }
    parameters.set(name, value)
  }
  return parameters
}

function decode(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  let decoded: string
  try {
    decoded = spaced.includes('%') ? decodeURIComponent(spaced) : spaced
  } catch {
    throw problem('malformed_request', { detail: 'The query holds an invalid percent-encoding.' })
  }
  if (decoded.includes('\0') || !decoded.isWellFormed())
    throw problem('malformed_request', { detail: 'The query holds a NUL or a lone surrogate.' })
  return decoded
}
