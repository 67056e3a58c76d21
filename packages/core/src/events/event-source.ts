import type { Resource, Shape } from '../resource/define-resource.ts'
import type { AnyResourceTable, Row } from '../table/types.ts'
import type { EventType } from './event-type.ts'

type JsonOf<V> = V extends Date | bigint ? string : V

/**
 * The row that an event of a resource tells of, as JSON: times and big numbers are texts. Hidden, secret and restricted fields are
 * not in it, and of personal ones no value; so everything but the id may be absent. Who needs more reads the row.
 */
export type EventRow<T extends AnyResourceTable> = { readonly id: string } & {
  readonly [K in Exclude<keyof Row<T>, 'id' | 'tenantId'>]?: JsonOf<Row<T>[K]>
}

/** What a resource's events are called after its name: `site.created`, `site.archive`. */
export type EventName<S extends Shape> =
  | 'created'
  | 'updated'
  | 'deleted'
  | 'restored'
  | 'purged'
  | (keyof S['inputs'] & string)

/** Events of a resource: of one name, or all. */
export interface ResourceEvents<D = unknown> {
  readonly of: Resource
  readonly event: string | undefined
  /** Types only; never present at run time. */
  readonly shape?: { readonly data: D }
}

/** All events of the platform. */
export interface EveryEvent {
  readonly every: true
}

/** Where the events come from that a handler hears. */
export type EventSource<D = unknown> = EventType<D> | ResourceEvents<D> | EveryEvent

/**
 * The events of a resource: `eventOf(site, 'created')`, an action's by its name, and without a name all of them.
 */
export function eventOf<S extends Shape>(
  resource: Resource<S>,
  event?: EventName<S>,
): ResourceEvents<EventRow<S['table']>> {
  return { of: resource as unknown as Resource, event }
}

/** Whatever happens, of any type: `on(everyEvent, 'mirror', …)`. */
export const everyEvent: EveryEvent = { every: true }
