import { problem, readQuery } from '@plinth/core'

/** What is not read is refused: an ignored parameter may have been meant as a condition. @throws invalid_query */
export function refuseQuery(search: string, allowed: readonly string[] = []): void {
  if (search === '') return
  const unknown = [...readQuery(search).keys()].filter((name) => !allowed.includes(name))
  if (unknown.length === 0) return
  const message = allowed.length === 0 ? 'No query is read here' : `Allowed: ${allowed.join(', ')}`
  throw problem('invalid_query', {
    errors: unknown.map((name) => ({ path: `?${name.slice(0, 64)}`, code: 'unknown_parameter', message })),
  })
}
