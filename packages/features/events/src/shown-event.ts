import {
  readEvent,
  storedEvent,
  toldOf,
  type EventCatalog,
  type EventRecord,
  type Platform,
  type RawRow,
} from '@plinth/core'
import { z } from 'zod'
import { eventLogEvents } from './log-events.ts'

export const shownSchema = z
  .object({
    id: z.uuid(),
    type: z.string(),
    version: z.int().describe('Of the data'),
    key: z.string().describe('Events of one key are handed on in order'),
    data: z.unknown().meta({ description: 'As the catalogue says of this type' }),
    actor: z.object({ kind: z.string(), id: z.string() }),
    requestId: z.string(),
    traceparent: z.string().nullable().describe('The trace of that request (W3C Trace Context), where it had one'),
    time: z.iso.datetime(),
    state: z.enum(['waiting', 'delivered', 'parked']),
    attempts: z.int(),
    asStored: z
      .boolean()
      .describe(
        'Whether the data is of another version than the catalogue says: of a newer release, or one that could not be read',
      ),
  })
  .meta({ id: 'Event' })

export type ShownEvent = z.output<typeof shownSchema>

/** Rows of the outbox as their readers see them: of today's version, with what is told today. */
export function shownEvents(
  { registry, log }: Pick<Platform, 'registry' | 'log'>,
  rows: readonly RawRow[],
  requestId: string,
): readonly ShownEvent[] {
  const unread: unknown[] = []
  const shown = rows.map((row) => show(registry.events, row, unread))
  // One line for a page: it would be one for each of its events, with every look.
  if (unread.length > 0) log.error(eventLogEvents.notRead, { requestId, events: unread.length, error: unread[0] })
  return shown
}

function show(catalog: EventCatalog, row: RawRow, unread: unknown[]): ShownEvent {
  const stored = storedEvent(row, '')
  const now = current(catalog, stored, unread)
  const { id, type, version, key, data, actor, requestId, traceparent = null, time } = now ?? stored
  const state = String(row['state']) as 'waiting' | 'delivered' | 'parked'
  const attempts = Number(row['attempts'])
  const known = catalog.get(type)
  return {
    id,
    type,
    version,
    key,
    // Under names of today's alone: which of another version's are to be told, nobody says.
    data: now || !known ? data : toldOf(known, data),
    actor,
    requestId,
    traceparent,
    time: time.toISOString(),
    state,
    attempts,
    asStored: now === undefined,
  }
}

/** As handlers get it; undefined for what is of a newer release, or cannot be brought to this one. */
function current(catalog: EventCatalog, stored: EventRecord, unread: unknown[]): EventRecord | undefined {
  const known = catalog.get(stored.type)
  if (known && stored.version > known.version) return undefined
  try {
    return readEvent(catalog, stored)
  } catch (error) {
    unread.push(error)
    return undefined
  }
}
