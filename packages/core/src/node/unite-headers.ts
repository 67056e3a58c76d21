/** A header as node:http and Fastify hold it. */
type Held = string | number | readonly string[] | undefined

/**
 * The value that a header gets where the host's middleware has set it before. What Plinth says counts, or a host's
 * `Cache-Control: public` would show one tenant's rows to another; but every cookie is kept, and `Vary` is united.
 */
export function uniteHeader(name: string, held: Held, own: string | readonly string[]): string | readonly string[] {
  if (held === undefined) return own
  if (name === 'set-cookie') return [...listOf(held), ...listOf(own)]
  if (name !== 'vary') return own
  const names = [...listOf(held), ...listOf(own)].flatMap((value) => value.split(',')).map((one) => one.trim())
  const seen = new Set<string>()
  return names.filter((one) => !seen.has(one.toLowerCase()) && seen.add(one.toLowerCase())).join(', ')
}

function listOf(held: string | number | readonly string[]): readonly string[] {
  return typeof held === 'object' ? held : [String(held)]
}
