import type { z } from 'zod'

/** From the data of one version to that of the next. It is given what was stored, which is JSON. */
export type Upcast = (data: never) => unknown

/** What is known of a type of events beside its name. */
export interface EventFacts<D> {
  /** What the data of the event is. JSON alone: a time is `z.iso.datetime()`, not `z.date()`. */
  readonly schema: z.ZodType<D>
  /** Words for people: the catalogue. */
  readonly description?: string
  /** Counted up when old data does not fit the schema any more. Default: 1. */
  readonly version?: number
  /**
   * By version, how its data becomes that of the next: `{ 1: (data: { name: string }) => ({ title: data.name }) }`. One for every
   * version before this one: events of the release before may still wait, and are read by this one.
   */
  readonly upcast?: Readonly<Record<number, Upcast>>
}

/** A type of events that code emits by hand. Inert data, like a resource. */
export interface EventType<D = unknown> {
  readonly type: string
  readonly version: number
  readonly schema: z.ZodType
  readonly description: string | undefined
  readonly upcast: Readonly<Record<number, Upcast>>
  /** Types only; never present at run time. */
  readonly shape?: { readonly data: D }
}

/**
 * Declares a type of events: `defineEvent('invoice.paid', { schema: z.object({ amount: z.int() }) })`. Listed in
 * `createPlinth({ events })` or a feature's `events`, emitted by `ctx.emit(invoicePaid, key, data)`, heard by
 * `on(invoicePaid, 'book the payment', …)`.
 *
 * @param type what it is about and what happened: two words and a dot
 */
export function defineEvent<D>(type: string, facts: EventFacts<D>): EventType<D> {
  const { schema, description, version = 1, upcast = {} } = facts
  return { type, version, schema, description, upcast }
}
