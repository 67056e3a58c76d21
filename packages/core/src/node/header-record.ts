import type { IncomingMessage } from 'node:http'

/**
 * The headers as one string each. Taken from `headers`, not from the raw ones, so that what the host's middleware set or took
 * away counts.
 * @param withoutLength the body is not the one whose length was declared (the host inflates it)
 */
export function headerRecord(incoming: IncomingMessage, withoutLength: boolean): Readonly<Record<string, string>> {
  const { headers, rawHeaders } = incoming
  const record: Record<string, string> = {}
  let count = 0
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined) continue
    record[name] = typeof value === 'string' ? value : value.join(', ')
    count += 1
  }
  if (rawHeaders.length > 2 * count || isRepeated(rawHeaders)) joinRepeated(record, incoming)
  if (withoutLength) delete record['content-length']
  return record
}

/** By their lengths first, which nearly every other name differs in. */
const kept = new Map([
  [4, 'host'],
  [12, 'content-type'],
  [13, 'authorization'],
])

/**
 * Counting is not enough: a host that adds a header of its own (an X-Request-Id, say) makes up for one that Node has dropped. So
 * those that decide something are looked for by name.
 */
function isRepeated(rawHeaders: readonly string[]): boolean {
  let seen = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const { length } = rawHeaders[index]!
    if (kept.get(length) !== rawHeaders[index]!.toLowerCase()) continue
    // A bit for each: no two of their lengths have one remainder by 32.
    const bit = 1 << length
    if (seen & bit) return true
    seen |= bit
  }
  return false
}

/**
 * Node keeps the first of several Authorization, Content-Type or Host headers and drops the others in silence. A proxy in front
 * may have believed the last one: joined, as `Headers` does, they are no valid value any more and are refused.
 */
function joinRepeated(record: Record<string, string>, { rawHeaders }: IncomingMessage): void {
  const values = new Map<string, string[]>()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase()
    values.set(name, [...(values.get(name) ?? []), rawHeaders[index + 1]!])
  }
  for (const [name, all] of values) {
    if (all.length > 1 && record[name] === all[0]) record[name] = all.join(', ')
  }
}
