import { isUuid, type Registry } from '@plinth/core'
import { entryFilter, type EntryFilter } from './filter.ts'

/** What stands in an entry where somebody typed something else than an id or a name of this platform. */
const MASKED = 'masked'

/** Nouns of what is done to accounts, and by the log to itself: they are in no catalogue. */
const others: ReadonlySet<string> = new Set([
  'account',
  'auditEntry',
  'auditLog',
  'auth',
  'credential',
  'email',
  'keyRing',
  'password',
  'rateLimit',
  'recoveryCodes',
  'secondFactor',
  'session',
  'subject',
  'system',
])

/**
 * A filter as an entry tells of it: which of them were used, and the values that can be nobody's name or address. Entries stay for ever,
 * and `?actor=alice@example.com` is what somebody types who looks for her.
 * @returns null where nothing was filtered
 */
export function toldFilter(registry: Pick<Registry, 'events'>, filter: EntryFilter): string | null {
  const { actor, requestId, action, target } = filter
  const told: EntryFilter = {
    ...filter,
    ...(actor !== undefined && { actor: idOf(actor) }),
    ...(requestId !== undefined && { requestId: idOf(requestId) }),
    ...(action !== undefined && { action: actionOf(registry, action) }),
    ...(target !== undefined && { target: targetOf(registry, target) }),
  }
  return entryFilter.text(told) || null
}

function idOf(text: string): string {
  return isUuid(text) ? text : MASKED
}

function actionOf(registry: Pick<Registry, 'events'>, text: string): string {
  const [, noun = ''] = /^([a-zA-Z0-9]+)\.(?:[a-zA-Z0-9_-]+|\*)$/.exec(text) ?? []
  return isNoun(registry, noun) ? text : MASKED
}

/** An id, a kind, or both. */
function targetOf(registry: Pick<Registry, 'events'>, text: string): string {
  const colon = text.indexOf(':')
  if (colon < 0) return isNoun(registry, text) ? text : idOf(text)
  const noun = text.slice(0, colon)
  return isNoun(registry, noun) ? `${noun}:${idOf(text.slice(colon + 1))}` : MASKED
}

function isNoun({ events }: Pick<Registry, 'events'>, text: string): boolean {
  if (others.has(text)) return true
  for (const type of events.keys()) if (type.startsWith(`${text}.`)) return true
  return false
}
