import { problem } from '../errors/plinth-error.ts'

/**
 * Parses a JSON body strictly: UTF-8, at most `depth` levels, no duplicate keys (a validator and a handler that take
 * different ones can be played against each other), no NUL (PostgreSQL text cannot hold it) and no lone surrogate.
 * @throws malformed_json, body_too_deep, body_too_complex
 */
export function parseJsonBody(bytes: Uint8Array, depth: number): unknown {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    throw problem('malformed_json', { detail: 'The body is not valid UTF-8.' })
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw problem('malformed_json', { detail: 'The body is not valid JSON.' })
  }
  // JSON.parse does not recurse, so a deep body cannot have hurt it; what reads the value later does.
  const written = countKeys(text, depth)
  // Of two equal keys JSON.parse keeps the last one.
  if (written !== keysOf(value)) throw problem('malformed_json', { detail: 'A key stands twice in the same object.' })
  if (text.includes('\\u')) refuseBadStrings(value)
  return value
}

/** Members of all arrays and objects of a body: each costs validation far more than it costs the sender. */
const MOST_MEMBERS = 50_000

const utf8 = new TextDecoder('utf-8', { fatal: true })

const [QUOTE, COMMA, COLON, BACKSLASH] = [0x22, 0x2c, 0x3a, 0x5c]
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

/** Walks over text that is known to be JSON, so strings, brackets, commas and colons are all there is to see: one colon for each key. */
function countKeys(text: string, depth: number): number {
  let level = 0
  let members = 0
  let keys = 0
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at)
    if (character === QUOTE) at = endOfString(text, at)
    else if (character === COLON) keys += 1
    else if (character === COMMA) {
      members += 1
      if (members > MOST_MEMBERS)
        throw problem('body_too_complex', { detail: `At most ${MOST_MEMBERS} members are read.` })
    } else if (character === OPEN_OBJECT || character === OPEN_ARRAY) {
      level += 1
      if (level > depth) throw problem('body_too_deep', { detail: `At most ${depth} levels are read.` })
    } else if (character === CLOSE_OBJECT || character === CLOSE_ARRAY) level -= 1
  }
  return keys
}

/** The next quote that no backslash escapes. Each backslash is looked at once: those before one quote are not those before another. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let before = end - 1
    while (text.charCodeAt(before) === BACKSLASH) before -= 1
    if ((end - before) % 2 === 1) return end
  }
}

/** How many keys all objects of a value have. No deeper than the limit: that was counted before. */
function keysOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let keys = 0
  if (Array.isArray(value)) for (const member of value) keys += keysOf(member)
  else for (const member of Object.values(value)) keys += 1 + keysOf(member)
  return keys
}

function refuseBadStrings(value: unknown): void {
  if (typeof value === 'string') refuseBadText(value)
  else if (Array.isArray(value)) value.forEach(refuseBadStrings)
  else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      refuseBadText(key)
      refuseBadStrings(member)
    }
  }
}

/** @throws malformed_json */
export function refuseBadText(text: string): void {
  if (text.includes('\0')) throw problem('malformed_json', { detail: 'A string holds a NUL character.' })
  if (!text.isWellFormed()) throw problem('malformed_json', { detail: 'A string holds a lone surrogate.' })
}
