import type { FieldInfo, Scalar } from '@plinth/core'
import { columnType } from '../statements/column-types.ts'

/**
 * How a value that is known compares with a column. `typed`: as the column's own type, which an index serves. `text`: by the
 * column's text, for a value that the type would refuse (`'ci-bot'` with a uuid column is unequal, not an error) or order
 * otherwise than memory does. `number`: as double precision. `incomparable`: equal to nothing, before and after nothing.
 */
export interface Operand {
  readonly as: 'typed' | 'text' | 'number' | 'incomparable'
  readonly text: string
}

// Lower case only: memory compares the texts, and PostgreSQL prints lower case.
const canonicalUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const canonicalClock = /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{0,5}[1-9])?$/

export function isCanonicalUuid(text: string): boolean {
  return canonicalUuid.test(text)
}

/** @param value not null */
export function operandOf(field: FieldInfo, value: Exclude<Scalar, null>): Operand {
  switch (field.kind.compares) {
    case 'number':
      return numberOperand(field, Number(value))
    case 'decimal':
      return decimalOperand(field, String(value))
    case 'boolean':
      return { as: 'typed', text: String(value === true || value === 'true' || value === 't') }
    case 'time':
      // PostgreSQL would round a seventh digit, memory cuts it off.
      return { as: 'typed', text: String(value).replace(/(\.\d{6})\d+/, '$1') }
    case 'json':
      return { as: 'text', text: String(value) }
    case 'text':
      return textOperand(field, String(value))
  }
}

function textOperand(field: FieldInfo, text: string): Operand {
  return { as: isCanonical(field, text) ? 'typed' : 'text', text }
}

/** Whether the column's type prints this text exactly so: then the type's equality is that of the texts. */
function isCanonical(field: FieldInfo, text: string): boolean {
  switch (columnType(field.column).family) {
    case 'text':
      return true
    case 'uuid':
      return canonicalUuid.test(text)
    case 'enum':
      return field.column.enumValues?.includes(text) ?? false
    default:
      return field.kind.name === 'date'
        ? isCanonicalDate(text)
        : field.kind.name === 'clock' && canonicalClock.test(text)
  }
}

function isCanonicalDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || text < '0001') return false
  const date = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}

const wholeLimits: Readonly<Record<string, number>> = {
  smallint: 2 ** 15,
  integer: 2 ** 31,
  bigint: Number.MAX_SAFE_INTEGER + 1,
}

function numberOperand(field: FieldInfo, value: number): Operand {
  if (Number.isNaN(value)) return { as: 'incomparable', text: '' }
  const limit = wholeLimits[columnType(field.column).bare]
  const fits = limit === undefined || (Number.isInteger(value) && value >= -limit && value < limit)
  // `String(-0)` is `0`.
  return { as: fits ? 'typed' : 'number', text: String(value) }
}

const wholeBits: Readonly<Record<string, number>> = { integer: 32, bigint: 64 }

function decimalOperand(field: FieldInfo, text: string): Operand {
  const bits = wholeBits[columnType(field.column).bare]
  if (bits === undefined) return { as: 'typed', text }
  // An id is compared with what a stranger, or code, takes for one.
  if (field.kind.opaque && !/^-?\d+(\.\d*)?$/.test(text)) return { as: 'incomparable', text: '' }
  const whole = /^(-?\d+)(?:\.0*)?$/.exec(text)?.[1]
  // Beyond the type, or a fraction: compared as numeric, which whole numbers become by themselves.
  return whole !== undefined && BigInt.asIntN(bits, BigInt(whole)) === BigInt(whole)
    ? { as: 'typed', text: whole }
    : { as: 'number', text }
}
