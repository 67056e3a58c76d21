import type { PgColumn } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import type { ComparableKind } from '../condition/comparable.ts'
import { timeInput } from '../input/time-input.ts'
import type { Raw } from '../ports/database.ts'
import { quoteJson } from './quote-json.ts'

/**
 * What Plinth knows about one kind of column, in one place: its JSON schema, how a raw value is printed as JSON without
 * being parsed first, how it becomes the JavaScript value of a `Row`, how code's value becomes JSON, and how it compares.
 */
export interface ColumnKind {
  readonly name: string
  readonly compares: ComparableKind
  /** An id: it is equal or not, and means nothing else. */
  readonly opaque?: boolean
  /** Schema of the JSON form. */
  readonly schema: (column: PgColumn) => z.ZodType
  /** JSON text of a raw value (never null). */
  readonly print: (raw: Raw) => string
  /** The value that code sees in a `Row`. */
  readonly decode: (raw: Raw) => unknown
  /** From what code gives (Date, bigint …) to the JSON form, so that code and HTTP pass the same schema. */
  readonly toJson: (value: unknown) => unknown
}

const same = (value: unknown): unknown => value
const printText = (raw: Raw): string => quoteJson(raw as string)
const printNumber = (raw: Raw): string => (Number.isFinite(raw as number) ? String(raw) : 'null')

/** PostgreSQL prints `2026-11-20 20:54:57.107+00` (the session is in UTC); the wire wants `2026-11-20T20:54:57.107Z`. */
export function isoTime(raw: string): string {
  const text = raw.replace(' ', 'T')
  return text.endsWith('+00') ? `${text.slice(0, -3)}Z` : `${text}Z`
}

function isOurEra(text: string): boolean {
  const year = new Date(text).getUTCFullYear()
  return year >= 1 && year <= 9_999
}

/** Characters of a text column without a length of its own, unless the field's schema sets a maximum. */
export const LONGEST_TEXT = 10_000
/** Characters of the JSON text of one value. A page of 100 rows must stay something that a process can hold. */
const LONGEST_JSON = 262_144

/** Out of `JSON.parse` all is JSON but 1e999, which became Infinity. */
function isFiniteJson(value: unknown): boolean {
  const open: unknown[] = [value]
  while (open.length > 0) {
    const next = open.pop()
    if (typeof next === 'number' && !Number.isFinite(next)) return false
    if (typeof next === 'object' && next !== null) for (const member of Object.values(next)) open.push(member)
  }
  return true
}

const text: ColumnKind = {
  name: 'text',
  compares: 'text',
  print: printText,
  decode: same,
  toJson: same,
  schema: (column) => {
    const words = column.enumValues
    if (words && words.length > 0) return z.enum(words as [string, ...string[]])
    const { length } = column as unknown as { length?: number }
    return length === undefined ? z.string() : z.string().max(length)
  },
}
const uuid: ColumnKind = { ...text, name: 'uuid', opaque: true, schema: () => z.guid().length(36).toLowerCase() }
const whole = (name: string, limit: number): ColumnKind => ({
  name,
  compares: 'number',
  print: printNumber,
  decode: same,
  toJson: same,
  schema: () =>
    z
      .number()
      .int()
      .min(-limit - 1)
      .max(limit),
})
const float: ColumnKind = { ...whole('float', 0), name: 'float', schema: () => z.number() }
const boolean: ColumnKind = {
  name: 'boolean',
  compares: 'boolean',
  print: String,
  decode: same,
  toJson: same,
  schema: () => z.boolean(),
}
const time: ColumnKind = {
  name: 'time',
  compares: 'time',
  // PostgreSQL knows other years, and prints them in a form that no ISO reader takes back.
  schema: () => timeInput().refine(isOurEra, 'Expected a year from 0001 to 9999 in UTC'),
  print: (raw) => `"${isoTime(raw as string)}"`,
  decode: (raw) => new Date(isoTime(raw as string)),
  toJson: (value) => (value instanceof Date ? value.toISOString() : value),
}
const timeText: ColumnKind = { ...time, name: 'timeText', decode: (raw) => isoTime(raw as string) }
const date: ColumnKind = { ...text, name: 'date', schema: () => z.iso.date() }
const clock: ColumnKind = { ...text, name: 'clock', schema: () => z.iso.time({ precision: 0 }) }
const decimal: ColumnKind = {
  name: 'decimal',
  compares: 'decimal',
  print: printText,
  decode: same,
  toJson: (value) => (typeof value === 'bigint' ? String(value) : value),
  schema: () =>
    z
      .string()
      .max(80)
      .regex(/^-?\d{1,60}(\.\d{1,18})?$/, 'Expected a decimal number as text, like "12.50"'),
}
const bigText: ColumnKind = {
  ...decimal,
  name: 'bigText',
  decode: (raw) => BigInt(raw as string),
  schema: () =>
    z
      .string()
      .max(20)
      .regex(/^-?\d{1,19}$/, 'Expected a whole number as text'),
}
const bigNumber: ColumnKind = {
  ...whole('bigNumber', Number.MAX_SAFE_INTEGER),
  print: (raw) => String(raw),
  decode: (raw) => Number(raw),
  schema: () => z.number().int().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER),
}
const json: ColumnKind = {
  name: 'json',
  compares: 'json',
  // Not z.json(): it took a second for a megabyte of small objects.
  schema: () =>
    z
      .unknown()
      .refine((value) => value !== undefined && value !== null, 'Required')
      .refine(isFiniteJson, 'A number is too large')
      .refine(
        (value) => (JSON.stringify(value)?.length ?? 0) <= LONGEST_JSON,
        `At most ${LONGEST_JSON} characters of JSON`,
      )
      .meta({
        type: ['object', 'array', 'string', 'number', 'boolean'],
        maxLength: LONGEST_JSON,
        maxItems: LONGEST_JSON / 2,
      }),
  toJson: same,
  print: (raw) => raw as string,
  decode: (raw) => JSON.parse(raw as string) as unknown,
}

const kinds: Readonly<Record<string, ColumnKind>> = {
  PgText: text,
  PgVarchar: text,
  PgChar: text,
  PgEnumColumn: text,
  PgUUID: uuid,
  PgSmallInt: whole('smallint', 32_767),
  PgInteger: whole('integer', 2_147_483_647),
  PgBigInt53: bigNumber,
  PgBigInt64: bigText,
  PgReal: float,
  PgDoublePrecision: float,
  PgNumeric: decimal,
  PgBoolean: boolean,
  PgTimestamp: time,
  PgTimestampString: timeText,
  PgDateString: date,
  PgTime: clock,
  PgJson: json,
  PgJsonb: json,
}

/** Column types that a resource may have, for messages. */
export const supportedColumnTypes: readonly string[] = Object.keys(kinds)

/** The kind of a Drizzle column, or undefined where Plinth has no safe JSON form for it (a fault at start). */
export function kindOf(column: PgColumn): ColumnKind | undefined {
  return kinds[column.columnType]
}
