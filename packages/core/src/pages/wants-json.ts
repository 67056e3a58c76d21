/**
 * Does `Accept` prefer JSON over HTML (RFC 9110 §12.5.1)? Of two equal weights the one that is named wins over a wildcard, so
 * that an `application/json` beside a wildcard is JSON; who names neither (a browser's address line, curl) reads the page.
 */
export function wantsJson(accept: string | undefined): boolean {
  const json = weightOf(accept ?? '*/*', ['application/problem+json', 'application/json', 'application/*', '*/*'])
  const page = weightOf(accept ?? '*/*', ['text/html', 'application/xhtml+xml', 'text/*', '*/*'])
  return json.weight > page.weight || (json.weight === page.weight && json.weight > 0 && json.named && !page.named)
}

function weightOf(accept: string, ranges: readonly string[]): { readonly weight: number; readonly named: boolean } {
  const given = new Map(
    accept.split(',').map((range) => {
      const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
      const quality = parameters.find((parameter) => parameter.startsWith('q='))
      const weight = quality === undefined ? 1 : Number(quality.slice(2))
      return [type, weight >= 0 && weight <= 1 ? weight : 0]
    }),
  )
  const found = ranges.find((range) => given.has(range))
  return found === undefined ? { weight: 0, named: false } : { weight: given.get(found)!, named: !found.includes('*') }
}
