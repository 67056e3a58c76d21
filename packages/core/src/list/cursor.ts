import { problem } from '../errors/plinth-error.ts'
import type { RawRow, SortKey, Stored } from '../ports/database.ts'
import type { Secrets } from '../ports/secrets.ts'

const PURPOSE = 'cursor'

/**
 * An opaque cursor: the sort values of the last row as PostgreSQL printed them (a JS Date would lose the microseconds and
 * skip or repeat rows), NULLs as null, signed together with what it belongs to.
 *
 * @param binding tenant, resource, sort, filter and field mask as one text: with any other the signature does not hold
 */
export function makeCursor(secrets: Secrets, binding: string, sort: readonly SortKey[], last: RawRow): string {
  const payload = Buffer.from(JSON.stringify(sortValues(sort, last))).toString('base64url')
  return `${payload}~${secrets.sign(PURPOSE, `${binding}\n${payload}`)}`
}

/** Where a row stands in this order, for what comes after it. */
export function sortValues(sort: readonly SortKey[], row: RawRow): readonly Stored[] {
  return sort.map(({ field }) => {
    const value = row[field.key]
    return value === null || value === undefined ? null : String(value)
  })
}

/** @throws invalid_cursor */
export function readCursor(secrets: Secrets, binding: string, cursor: string): readonly Stored[] {
  const [payload = '', signature = '', ...rest] = cursor.split('~')
  if (rest.length > 0 || !secrets.verify(PURPOSE, `${binding}\n${payload}`, signature)) throw problem('invalid_cursor')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Stored[]
}
