import type { PgColumn } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import type { Raw } from '../ports/database.ts'
import { keyTypeOf, type KeyType } from '../table/key-type.ts'
import type { ColumnKind } from './kinds.ts'
import { quoteJson } from './quote-json.ts'

/** Characters of a text key: it is part of URLs, of events' keys and of every index of its table. */
export const LONGEST_KEY = 128

const limits = { integer: 2n ** 31n, bigint: 2n ** 63n } as const

/**
 * Ids are opaque strings on the wire and in code, whatever the column is. Read strictly: `042`, `4e1`, ` 42` or `+42` would
 * be a second name of row 42, and a name that a cache, a log or a deny-list does not know.
 */
function isWholeKey(text: string, type: 'integer' | 'bigint'): boolean {
  if (!/^(?:0|-?[1-9]\d{0,18})$/.test(text)) return false
  const value = BigInt(text)
  return value >= -limits[type] && value < limits[type]
}

const wholeKey = (type: 'integer' | 'bigint'): ColumnKind => ({
  name: `${type}Key`,
  compares: 'decimal',
  opaque: true,
  print: (raw: Raw) => `"${String(raw)}"`,
  decode: String,
  toJson: (value) => (typeof value === 'number' || typeof value === 'bigint' ? String(value) : value),
  schema: () =>
    z.string().refine((text) => isWholeKey(text, type), `Expected an id: a whole number as text, like "42"`),
})

/**
 * Unreserved characters of RFC 3986, the first a letter or digit: a key must come back from a URL as it went in. `.` and `..`
 * would be eaten by clients and proxies, `/` and `%` end or escape a segment.
 */
const textKey: ColumnKind = {
  name: 'textKey',
  compares: 'text',
  opaque: true,
  print: (raw) => quoteJson(raw as string),
  decode: (raw) => raw,
  toJson: (value) => value,
  schema: (column) => {
    const { length = LONGEST_KEY } = column as unknown as { length?: number }
    return z
      .string()
      .max(Math.min(length, LONGEST_KEY))
      .regex(/^[A-Za-z0-9][A-Za-z0-9._~-]*$/, 'Expected letters, digits and . _ ~ -, beginning with a letter or digit')
  },
}

const kinds: Readonly<Record<Exclude<KeyType, 'uuid'>, ColumnKind>> = {
  text: textKey,
  integer: wholeKey('integer'),
  bigint: wholeKey('bigint'),
}

/** The kind of a column that holds ids: a table's own key, or a reference to one. Undefined for uuid, which is one by itself. */
export function keyKindOf(column: PgColumn): ColumnKind | undefined {
  const type = keyTypeOf(column)
  return type === undefined || type === 'uuid' ? undefined : kinds[type]
}
