import type { EventRecord } from '../events/event-record.ts'
import type { Registry } from '../platform/registry.ts'
import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'

/** What a database is told when the platform is put together. */
export interface Attachment {
  readonly registry: Registry
  readonly log: Logger
  readonly clock: Clock
  /**
   * Hands one committed event to every handler of its type that has not had it; rejects when one fails, and the event comes again.
   * @param handled names of those that have had it
   * @returns whether the last of them marked it as delivered
   */
  readonly deliver: (event: EventRecord, handled: readonly string[]) => Promise<boolean>
}
