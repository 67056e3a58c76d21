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
  scanStructure(text, depth)
  if (text.includes('\\u')) refuseBadStrings(value)
  return value
}

/** Members of all arrays and objects of a body: each costs validation far more than it costs the sender. */
const MOST_MEMBERS = 50_000

const utf8 = new TextDecoder('utf-8', { fatal: true })

interface Level {
  /** Keys of an object; undefined for an array. */
  readonly keys: Set<string> | undefined
}

/** Walks over text that is known to be JSON, so strings and brackets are all there is to see. */
function scanStructure(text: string, depth: number): void {
  const levels: Level[] = []
  let members = 0
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!
    if (character === '"') {
      const end = endOfString(text, at)
      const keys = levels.at(-1)?.keys
      if (keys && isKey(text, end + 1)) addKey(keys, text.slice(at, end + 1))
      at = end
    } else if (character === '{' || character === '[') {
      levels.push({ keys: character === '{' ? new Set() : undefined })
      if (levels.length > depth) throw problem('body_too_deep', { detail: `At most ${depth} levels are read.` })
    } else if (character === '}' || character === ']') {
      levels.pop()
    } else if (character === ',') {
      members += 1
      if (members > MOST_MEMBERS)
        throw problem('body_too_complex', { detail: `At most ${MOST_MEMBERS} members are read.` })
    }
  }
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at += 1) {
    if (text[at] === '\\') at += 1
    else if (text[at] === '"') return at
  }
}

function isKey(text: string, after: number): boolean {
  let at = after
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at += 1
  return text[at] === ':'
}

function addKey(keys: Set<string>, quoted: string): void {
  // `"a"` and `"\u0061"` are the same key.
  const key = quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1)
  if (keys.has(key)) throw problem('malformed_json', { detail: 'A key stands twice in the same object.' })
  keys.add(key)
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
