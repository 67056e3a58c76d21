import type { EventRecord } from './event-record.ts'
import { nearestEvents, type EventCatalog, type HowTold, type KnownEvent } from './event-catalog.ts'
import { MASKED } from './resource-events.ts'

/** An event as it is put into the outbox. */
export interface AcceptedEvent {
  readonly version: number
  /** As the schema leaves it: without what it does not know. */
  readonly data: unknown
}

/**
 * Judges an event that code emits by hand. What a generated write tells is made from the same columns as its schema and is not
 * judged again.
 * @throws Error, a mistake of the code that emits: an unknown type, data that its schema refuses
 */
export function acceptEvent(
  catalog: EventCatalog,
  { type, data }: { readonly type: string; readonly data: unknown },
): AcceptedEvent {
  const known = catalog.get(type)
  if (!known) throw new Error(`'${type}' is no event of this platform: ${nearestEvents(type, catalog)}`)
  const parsed = known.schema.safeParse(data)
  // The paths alone: what was refused may be anybody's data.
  if (!parsed.success) throw new Error(`the data of ${type} is not as its schema says: ${pathsOf(parsed.error.issues)}`)
  return { version: known.version, data: parsed.data }
}

function pathsOf(issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): string {
  return issues.map(({ path, message }) => `/${path.map(String).join('/')}: ${message}`).join('; ')
}

/**
 * A stored event as this release reads it: data of an older version becomes that of the current one.
 * @throws Error for an event of a newer release, which this one cannot read
 */
export function readEvent(catalog: EventCatalog, stored: EventRecord): EventRecord {
  const known = catalog.get(stored.type)
  // Nobody can hear it any more.
  if (!known) return stored
  if (stored.version > known.version)
    throw new Error(`${stored.type} is of version ${stored.version}, and this release knows ${known.version}`)
  let { data } = stored
  for (let version = stored.version; version < known.version; version += 1) data = known.upcast[version]!(data as never)
  data = toldOf(known, data)
  return data === stored.data ? stored : { ...stored, version: known.version, data }
}

/**
 * Data as it may be told today: of a row, the fields that its events carry by now. One that became secret, restricted or personal after the
 * event was stored stands in it in the clear.
 */
export function toldOf({ told }: Pick<KnownEvent, 'told'>, data: unknown): unknown {
  if (!told || typeof data !== 'object' || data === null) return data
  return Object.fromEntries(
    Object.entries(data).flatMap(([key, value]) => {
      const how = told.get(key)
      return how === undefined ? [] : [[key, toldValue(how, value)]]
    }),
  )
}

function toldValue(how: HowTold, value: unknown): unknown {
  if (how === 'masked') return MASKED
  if (how !== 'time' || typeof value !== 'string') return value
  const text = value.replace(/\+00:00$/, 'Z')
  // A column without a zone is UTC, as in answers.
  return /\d$/.test(text) ? `${text}Z` : text
}
