import { z } from 'zod'
import { nearestNames } from '../errors/nearest-names.ts'
import type { StartupFault } from '../errors/startup-error.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'
import type { EventType, Upcast } from './event-type.ts'
import { resourceEvents } from './resource-events.ts'

/** `time`: as everywhere on the wire, in UTC with `Z`; jsonb writes another form. */
export type HowTold = 'as it is' | 'masked' | 'time'

/** A type of events that can occur. */
export interface KnownEvent {
  readonly type: string
  readonly version: number
  readonly description: string | undefined
  /** Of the data of this version. */
  readonly schema: z.ZodType
  readonly upcast: Readonly<Record<number, Upcast>>
  /** Whose rows it is about; undefined for what code emits by hand. */
  readonly resource: ResourceInfo | undefined
  /** Of rows: which keys are told, and how. What was stored before a field became secret, restricted or personal, too. */
  readonly told: ReadonlyMap<string, HowTold> | undefined
}

/** Every type of events of a platform, by its name, sorted. */
export type EventCatalog = ReadonlyMap<string, KnownEvent>

/** Types of events that somebody declares, and who. */
export interface DeclaredEvents {
  readonly owner: string
  readonly events: readonly EventType[]
}

/** Resources and declarations together. A type is told of in one way: what generated writes emit nobody may emit by hand. */
export function readEvents(
  resources: readonly ResourceInfo[],
  declared: readonly DeclaredEvents[],
  faults: StartupFault[],
): EventCatalog {
  const known = new Map<string, KnownEvent>()
  for (const resource of resources) {
    verifySteps(`resource ${resource.name}.events`, { version: 1, upcast: {}, ...resource.declaration.events }, faults)
    for (const event of resourceEvents(resource)) known.set(event.type, event)
  }
  const owners = new Map<string, string>()
  for (const { owner, events } of declared) {
    for (const event of events) {
      const path = `${owner}.events '${event.type}'`
      const other = owners.get(event.type) ?? writerOf(known.get(event.type))
      if (other !== undefined)
        faults.push({ path, problem: `is an event of ${other} already`, fix: 'give it another name' })
      owners.set(event.type, owner)
      verifyType(path, event, faults)
      known.set(event.type, { ...event, resource: undefined, told: undefined })
    }
  }
  return new Map([...known].sort(([left], [right]) => (left < right ? -1 : 1)))
}

/** Where HTTP has no such operation, whoever writes the rows by hand may tell of it by hand. */
function writerOf(event: KnownEvent | undefined): string | undefined {
  if (!event?.resource) return undefined
  const { name, operations } = event.resource
  const operation = { created: 'create', updated: 'update', deleted: 'delete', restored: 'restore' } as const
  const own = operation[event.type.slice(name.length + 1) as keyof typeof operation]
  return own === undefined || operations[own] ? `resource ${name}` : undefined
}

function verifyType(path: string, event: EventType, faults: StartupFault[]): void {
  if (!/^[a-z][a-zA-Z0-9]*\.[a-z][a-zA-Z0-9_-]*$/.test(event.type))
    faults.push({ path, problem: 'is no name of an event', fix: "what it is about and what happened: 'invoice.paid'" })
  verifySteps(path, event, faults)
  try {
    // A Date or a Map would be stored as something else than what a handler's type says.
    z.toJSONSchema(event.schema, { io: 'output' })
  } catch (error) {
    faults.push({
      path: `${path}.schema`,
      problem: `is no JSON: ${error instanceof Error ? error.message : String(error)}`,
      fix: 'use what JSON has: z.iso.datetime() for a time, z.string() for a big number, and no transform',
    })
  }
}

function verifySteps(
  path: string,
  { version, upcast }: Pick<EventType, 'version' | 'upcast'>,
  faults: StartupFault[],
): void {
  if (!Number.isInteger(version) || version < 1 || version > 32_767) {
    faults.push({ path: `${path}.version`, problem: `${version} is no version`, fix: 'count 1, 2, 3 …' })
    return
  }
  const needed = Array.from({ length: version - 1 }, (_, at) => String(at + 1))
  const given = Object.keys(upcast)
  const missing = needed.filter((step) => !given.includes(step))
  const idle = given.filter((step) => !needed.includes(step))
  if (missing.length > 0)
    faults.push({
      path: `${path}.upcast`,
      problem: `says nothing of version ${missing.join(', ')}, of which events may still wait`,
      fix: `upcast: { ${missing[0]!}: (data) => …the data of version ${Number(missing[0]) + 1} }`,
    })
  if (idle.length > 0)
    faults.push({
      path: `${path}.upcast`,
      problem: `leads from version ${idle.join(', ')}, and this is version ${version}`,
      fix: `version: ${Math.max(...idle.map(Number)) + 1}, or drop it`,
    })
}

/** What to write instead of a type that there is not. */
export function nearestEvents(type: string, catalog: EventCatalog): string {
  const types = [...catalog.keys()]
  const patterns = [...new Set(types.map((name) => `${name.slice(0, name.indexOf('.'))}.*`))]
  const near = nearestNames(type, type.endsWith('*') ? patterns : types)
  return near.length > 0 ? `nearest: ${near.join(', ')}` : "declare it: defineEvent('invoice.paid', { schema })"
}
