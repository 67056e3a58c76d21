import { z } from 'zod'

/**
 * A time as the wire has it: ISO 8601 (RFC 3339) with its zone. Without one it would be a time of the server, which the caller does
 * not know; whoever leaves it out, or writes a day alone, is told how it is written.
 */
export function timeInput(): z.ZodISODateTime {
  return z.iso.datetime({ offset: true, error: 'Expected a time with its zone, as 2026-11-28T20:00:00Z' })
}
