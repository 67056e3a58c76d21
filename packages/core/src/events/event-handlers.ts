import type { StartupFault } from '../errors/startup-error.ts'
import type { Feature } from '../feature/feature.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'
import { nearestEvents, type EventCatalog } from './event-catalog.ts'
import type { EventHandler, FeatureEventHandling } from './event-handler.ts'

/** A handler as it is called: what it hears is settled. */
export interface SettledHandler {
  readonly name: string
  readonly run: FeatureEventHandling
}

/** Handlers by type, in the order of their names. A type without any is not among them. */
export type EventHandlers = ReadonlyMap<string, readonly SettledHandler[]>

interface Known {
  readonly catalog: EventCatalog
  readonly resources: readonly ResourceInfo[]
}

/**
 * Who hears what, settled at start. A key that names nothing is told: a handler that never runs would not be noticed.
 */
export function readHandlers(
  given: readonly EventHandler[],
  features: readonly Feature[],
  known: Known,
  faults: StartupFault[],
): EventHandlers {
  const handlers = new Map<string, SettledHandler[]>()
  const hear = (types: readonly string[], handler: SettledHandler): void => {
    for (const type of types) handlers.set(type, [...(handlers.get(type) ?? []), handler])
  }
  for (const feature of features) {
    for (const [pattern, run] of Object.entries(feature.on ?? {})) {
      const types = matching(pattern, known.catalog)
      if (types.length === 0)
        faults.push({
          path: `feature ${feature.name}.on '${pattern}'`,
          problem: 'is no event',
          fix: nearestEvents(pattern, known.catalog),
        })
      hear(types, { name: `${feature.name} on ${pattern}`, run })
    }
  }
  const names = new Set<string>()
  for (const handler of given) {
    const path = `handler '${handler.name}'`
    if (!/^\S(.{0,98}\S)?$/.test(handler.name))
      faults.push({ path, problem: 'has no usable name', fix: "on(eventOf(site, 'created'), 'greet the owner', …)" })
    if (names.has(handler.name))
      faults.push({ path, problem: 'is given twice', fix: 'give each handler a name of its own' })
    names.add(handler.name)
    hear(typesOf(path, handler, known, faults), { name: handler.name, run: handler.run })
  }
  for (const list of handlers.values()) list.sort((left, right) => (left.name < right.name ? -1 : 1))
  return handlers
}

/** What is stored although nobody hears it. */
export function readStored(
  features: readonly Feature[],
  catalog: EventCatalog,
  faults: StartupFault[],
): readonly string[] {
  return features.flatMap(({ name, stores = [] }) =>
    stores.flatMap((pattern) => {
      const types = matching(pattern, catalog)
      if (types.length === 0)
        faults.push({
          path: `feature ${name}.stores '${pattern}'`,
          problem: 'is no event',
          fix: nearestEvents(pattern, catalog),
        })
      return types
    }),
  )
}

/** `*`, `site.*` or a type. */
function matching(pattern: string, catalog: EventCatalog): readonly string[] {
  if (pattern === '*') return [...catalog.keys()]
  if (!pattern.endsWith('.*')) return catalog.has(pattern) ? [pattern] : []
  return [...catalog.keys()].filter((type) => type.startsWith(pattern.slice(0, -1)))
}

function typesOf(
  path: string,
  { source }: EventHandler,
  { catalog, resources }: Known,
  faults: StartupFault[],
): readonly string[] {
  if ('every' in source) return [...catalog.keys()]
  if ('type' in source) {
    if (catalog.get(source.type)?.schema === source.schema) return [source.type]
    faults.push({
      path,
      problem: `hears '${source.type}', which is not declared`,
      fix: 'list it: createPlinth({ events: [ … ] })',
    })
    return []
  }
  const resource = resources.find(({ declaration, table }) => declaration === source.of || table === source.of)
  if (!resource) {
    const problem = 'hears of a resource that this platform has not'
    faults.push({ path, problem, fix: 'list it: createPlinth({ resources: [ … ] })' })
    return []
  }
  const pattern = `${resource.name}.${source.event ?? '*'}`
  const types = matching(pattern, catalog)
  if (types.length === 0)
    faults.push({ path, problem: `'${pattern}' is no event`, fix: nearestEvents(pattern, catalog) })
  return types
}
