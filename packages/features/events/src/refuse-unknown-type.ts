import { nearestNames, problem, type EventCatalog, type StatementRunner } from '@plinth/core'
import { anyOfType } from './event-filter.ts'

/**
 * A type of which there are no events, nor may be: an empty list would be taken for "it did not happen". One of an earlier release is
 * known by what is stored of it.
 * @throws invalid_query
 */
export async function refuseUnknownType(
  runner: StatementRunner,
  tenantId: string,
  catalog: EventCatalog,
  type: string | undefined,
): Promise<void> {
  if (type === undefined) return
  const types = [...catalog.keys()]
  const kinds = [...new Set(types.map((name) => `${name.slice(0, name.indexOf('.'))}.*`))]
  const known = type.endsWith('*') ? kinds : types
  if (known.includes(type)) return
  const [stored] = await runner.run(anyOfType(tenantId, type))
  if (stored?.['there'] === true) return
  const near = nearestNames(type, known)
  const detail = `There are no events '${type}'. ${near.length > 0 ? `Nearest: ${near.join(', ')}` : 'GET /events/catalog has all types'}.`
  throw problem('invalid_query', { detail, errors: [{ path: '?type', code: 'unknown_event', message: detail }] })
}
