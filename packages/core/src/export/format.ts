import type { InputFault } from '../errors/plinth-error.ts'

/** What a list may be sent as, whole and without pages. */
export type ExportFormat = 'csv' | 'ndjson'

/** Values of `format=`, for messages and OpenAPI. */
export const formats = ['json', 'csv', 'ndjson'] as const

export const mediaTypes: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson',
}

const offered: readonly (readonly [type: string, format: ExportFormat])[] = [
  ['text/csv', 'csv'],
  ['application/x-ndjson', 'ndjson'],
]

/**
 * How a list is to be sent: `format=` decides, else `Accept`. There a type counts only by its whole name and above JSON: a browser's
 * wildcard, or that of all texts, means a page of JSON as ever.
 * @returns undefined for a page of JSON
 */
export function exportFormat(
  accept: string | undefined,
  format: string | undefined,
  faults: InputFault[],
): ExportFormat | undefined {
  if (format !== undefined) {
    if (!(formats as readonly string[]).includes(format))
      faults.push({ path: '?format', code: 'invalid_value', message: `Expected one of: ${formats.join(', ')}` })
    return format === 'csv' || format === 'ndjson' ? format : undefined
  }
  if (accept === undefined || !/csv|ndjson/i.test(accept)) return undefined
  const wishes = readAccept(accept)
  const json = wishes.get('application/json') ?? 0
  let best: ExportFormat | undefined
  let weight = json
  for (const [type, name] of offered) {
    const wish = wishes.get(type) ?? 0
    if (wish > weight) [best, weight] = [name, wish]
  }
  return best
}

/** Types by their weight (RFC 9110 §12.5.1); what has no valid weight counts as not named. */
function readAccept(accept: string): ReadonlyMap<string, number> {
  const wishes = new Map<string, number>()
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const given = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
    const weight = given === undefined ? 1 : /^(?:0(?:\.\d{1,3})?|1(?:\.0{1,3})?)$/.test(given) ? Number(given) : 0
    wishes.set(type, weight)
  }
  return wishes
}
