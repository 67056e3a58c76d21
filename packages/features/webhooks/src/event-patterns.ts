import { nearestNames, type EventCatalog } from '@plinth/core'
import { z } from 'zod'

const MOST_PATTERNS = 100
/** A word that is longer is no slip. */
const LONGEST_SLIP = 64

/** What is sent to see whether it arrives, and no event. */
export const TEST = 'webhook.test'

/** `*`, `site.*` or a type: those that a webhook may name. */
export function patternsOf(catalog: EventCatalog): readonly string[] {
  const types = [...catalog.keys()]
  return ['*', ...new Set(types.map((type) => `${type.slice(0, type.indexOf('.'))}.*`)), ...types]
}

/** Those by which an event of this type is heard. */
export function hearing(type: string): readonly string[] {
  return ['*', `${type.slice(0, type.indexOf('.'))}.*`, type]
}

/** What a webhook hears, each named once. A type that there is not is refused: nothing would ever come, and nobody would wonder. */
export function eventList(catalog: () => EventCatalog): z.ZodType<readonly string[]> {
  return z
    .array(z.string().max(200))
    .min(1)
    .max(MOST_PATTERNS)
    .superRefine((list, context) => {
      const patterns = patternsOf(catalog())
      const known = new Set(patterns)
      // To look for the nearest of hundreds takes a hundredth of a second: for the first few, and what may be a slip.
      let looked = 0
      for (const [at, given] of list.entries()) {
        if (known.has(given)) continue
        const isSlip = given.length <= LONGEST_SLIP && (looked += 1) <= 3
        const near = isSlip ? nearestNames(given, patterns) : []
        const named = given.length <= LONGEST_SLIP ? ` '${given}'` : ' of this name'
        const message = `There are no events${named}${near.length > 0 ? `. Nearest: ${near.join(', ')}` : ''}`
        context.addIssue({ code: 'custom', path: [at], message, params: { code: 'unknown_event' } })
      }
    })
    .transform((list) => [...new Set(list)])
    .meta({ description: 'Types of events: `site.created`, `site.*`, or `*` for all', examples: [['site.*'], ['*']] })
}
