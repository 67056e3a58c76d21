import type { Resource } from '../resource/define-resource.ts'
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

/** What happens to rows of every resource; `restored` and `purged` where they are deleted softly. */
export type RowEventName = 'created' | 'updated' | 'deleted' | 'restored' | 'purged'

/** What a resource's events are called after its name: `site.created`, `site.archive`. Of a table, without the actions. */
export type EventName<R> = R extends AnyResourceTable
  ? RowEventName
  : R extends Resource<infer S>
    ? RowEventName | (keyof S['inputs'] & string)
    : never

type TableOf<R> = R extends AnyResourceTable ? R : R extends Resource<infer S> ? S['table'] : never

/** Events of a resource: of one name, or all. */
export interface ResourceEvents<D = unknown> {
  /** The resource, or its table. */
  readonly of: Resource | AnyResourceTable
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
 * The events of a resource: `eventOf(site, 'created')`, an action's by its name, and without a name all of them. The table stands for
 * the resource as in `ctx.read`: `eventOf(sites, 'created')`.
 */
export function eventOf<R extends Resource | AnyResourceTable>(
  of: R,
  event?: EventName<R>,
): ResourceEvents<EventRow<TableOf<R>>> {
  return { of, event }
}

/** Whatever happens, of any type: `on(everyEvent, 'mirror', …)`. */
export const everyEvent: EveryEvent = { every: true }
