import { problem } from '../errors/plinth-error.ts'

const MOST_FIELDS = 200

export function isForm(contentType: string | undefined): boolean {
  return (contentType ?? '').split(';')[0]!.trim().toLowerCase() === 'application/x-www-form-urlencoded'
}

/**
 * The fields of a form. A field that comes twice is refused: of two readers each would take another one.
 * @throws malformed_request
 */
export function readForm(body: Uint8Array | undefined): Readonly<Record<string, string>> {
  const fields = Object.create(null) as Record<string, string>
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw problem('malformed_request', { detail: 'The form is not UTF-8.' })
  }
  let count = 0
  for (const [name, value] of new URLSearchParams(text)) {
    count += 1
    if (count > MOST_FIELDS || name in fields || `${name}${value}`.includes('\0'))
      throw problem('malformed_request', { detail: 'The form has a field twice, too many fields, or a NUL character.' })
    fields[name] = value
  }
  return { ...fields }
}
