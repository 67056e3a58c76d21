import { isUuid, type Registry } from '@plinth/core'
import { entryFilter, type EntryFilter } from './filter.ts'

/** What stands in an entry where somebody typed something else than an id or a name of this platform. */
const MASKED = 'masked'

/** What is done to accounts, and by the log to itself: it is in no catalogue. */
const others: Readonly<Record<string, readonly string[]>> = {
  account: ['created', 'updated'],
  auditEntry: ['unreadable'],
  auditLog: ['acknowledged', 'exported', 'listed', 'overflowed', 'read', 'signed', 'streamed', 'verified'],
  auth: ['changePassword', 'logIn', 'signIn'],
  credential: ['refused'],
  email: ['verified'],
  keyRing: ['resealed'],
  password: ['reset', 'updated'],
  rateLimit: ['updated'],
  recoveryCodes: ['replaced'],
  secondFactor: ['begun', 'created', 'deleted', 'updated'],
  session: ['created', 'ended', 'reauthenticated', 'reused', 'switched'],
  subject: ['erased'],
  system: ['access'],
}

type Known = Pick<Registry, 'events' | 'permissions'>

/**
 * A filter as an entry tells of it: which of them were used, and the values that can be nobody's name or address. Entries stay for ever,
 * and `?actor=alice@example.com` is what somebody types who looks for her.
 * @returns null where nothing was filtered
 */
export function toldFilter(registry: Known, filter: EntryFilter): string | null {
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

/** As far as it is a word of the platform: `user.alice_miller` is somebody's name behind one. */
function actionOf(registry: Known, text: string): string {
  const [, noun = '', verb = ''] = /^([a-zA-Z0-9]+)\.([a-zA-Z0-9_-]+|\*)$/.exec(text) ?? []
  if (!isNoun(registry, noun)) return MASKED
  const isKnown =
    verb === '*' ||
    registry.events.has(text) ||
    registry.permissions.numberOf(noun, verb) !== undefined ||
    (Object.hasOwn(others, noun) && others[noun]!.includes(verb))
  return isKnown ? text : `${noun}.${MASKED}`
}

/** An id, a kind, or both. */
function targetOf(registry: Known, text: string): string {
  const colon = text.indexOf(':')
  if (colon < 0) return isNoun(registry, text) ? text : idOf(text)
  const noun = text.slice(0, colon)
  return isNoun(registry, noun) ? `${noun}:${idOf(text.slice(colon + 1))}` : MASKED
}

function isNoun({ events }: Known, text: string): boolean {
  if (Object.hasOwn(others, text)) return true
  for (const type of events.keys()) if (type.startsWith(`${text}.`)) return true
  return false
}
