import type { StatementRunner } from '../ports/database.ts'
import type { EventRecord } from './event-record.ts'
import type { Context } from '../resource/context.ts'
import type { EventSource } from './event-source.ts'

/** What runs for an event. It is told of each at least once, and the effects of its transaction happen once. */
export type EventHandling<D = unknown> = (context: Context, event: EventRecord<D>) => Promise<void>

/** What a handler of a feature may do beside its context: fixed statements in its transaction, which is one of the system. */
export interface FeatureHandling extends StatementRunner {
  /** The call is made when this transaction is committed, and only then. It may not fail. */
  afterCommit(call: () => void): void
}

/** As {@link EventHandling}, of a feature. A statement names its tenant: no policy does that for it. */
export type FeatureEventHandling = (context: Context, event: EventRecord, handling: FeatureHandling) => Promise<void>

/** A handler of the product and what it hears. Inert data. */
export interface EventHandler {
  /** Under this name is kept which events it has had: it stays the same while the code around it changes. */
  readonly name: string
  readonly source: EventSource
  readonly run: EventHandling
}

/**
 * Hears committed events: `on(eventOf(site, 'created'), 'greet', async (ctx, { data }) => …)`, listed in
 * `createPlinth({ handlers })`. It runs in the event's tenant, as the platform itself, in one transaction; what it throws is
 * logged, and the event comes again later. See docs/events.md.
 *
 * @param name of the handler, kept with each event that it has had: two handlers have two, and a renamed one is a new one
 */
export function on<D>(source: EventSource<D>, name: string, run: EventHandling<D>): EventHandler {
  return { name, source: source as EventSource, run: run as EventHandling }
}
