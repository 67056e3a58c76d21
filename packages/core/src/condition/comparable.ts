/** How values of a column compare; follows the SQL that the PostgreSQL reader writes. */
export type ComparableKind = 'text' | 'number' | 'decimal' | 'boolean' | 'time' | 'json'

export function isNullish(value: unknown): value is null | undefined {
  return value === null || value === undefined
}

/** Negative, zero or positive, as PostgreSQL would order the two values (text under `collate "C"`). */
export function order(left: unknown, right: unknown, kind: ComparableKind): number {
  switch (kind) {
    case 'number':
      return orderNumbers(left, right)
    case 'decimal':
      return orderDecimals(String(left), String(right))
    case 'boolean':
      return Number(asBoolean(left)) - Number(asBoolean(right))
    case 'time':
      return Number(microseconds(left) - microseconds(right))
    default:
      return orderCodePoints(String(left), String(right))
  }
}

function asBoolean(value: unknown): boolean {
  return value === true || value === 'true' || value === 't'
}

/**
 * PostgreSQL's "C" collation compares UTF-8 bytes, which is the order of code points. JavaScript's `<` compares UTF-16
 * units and puts an emoji (a surrogate pair) before U+FFxx.
 */
function orderCodePoints(left: string, right: string): number {
  if (left === right) return 0
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}

/**
 * In PostgreSQL NaN equals itself and is above everything. What is no number at all ("many") has no order: NaN comes back, and
 * every comparison with it but `ne` is false.
 */
function orderNumbers(left: unknown, right: unknown): number {
  const [one, other] = [Number(left), Number(right)]
  if (isNoNumber(left, one) || isNoNumber(right, other)) return Number.NaN
  if (Number.isNaN(one) || Number.isNaN(other)) return Number(Number.isNaN(one)) - Number(Number.isNaN(other))
  return one === other ? 0 : one < other ? -1 : 1
}

function isNoNumber(value: unknown, asNumber: number): boolean {
  return Number.isNaN(asNumber) && typeof value === 'string' && value !== 'NaN'
}

const plainDecimal = /^-?\d+(\.\d*)?$/

/** Exact order of decimal texts: `10.0` equals `10`, `9` is below `10`, and no float rounds them together. */
function orderDecimals(left: string, right: string): number {
  // NaN, Infinity and 1e21 have no digits to line up.
  if (!plainDecimal.test(left) || !plainDecimal.test(right)) return orderNumbers(left, right)
  const scale = Math.max(fraction(left).length, fraction(right).length)
  const difference = scaled(left, scale) - scaled(right, scale)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

function fraction(text: string): string {
  return text.split('.')[1] ?? ''
}

function scaled(text: string, scale: number): bigint {
  return BigInt(text.split('.')[0] + fraction(text).padEnd(scale, '0'))
}

/** Microseconds since the epoch of a Date, an ISO time or PostgreSQL's own print of one: PostgreSQL keeps six digits. */
function microseconds(value: unknown): bigint {
  if (value instanceof Date) return BigInt(value.getTime()) * 1000n
  const text = String(value)
  const digits = /\.(\d{1,6})/.exec(text)?.[1]?.padEnd(6, '0') ?? '000000'
  const iso = text
    .replace(/\.\d+/, '')
    .replace(' ', 'T')
    .replace(/([+-]\d\d)$/, '$1:00')
  // A column without time zone holds UTC; JavaScript would read its print as local time.
  const whole = new Date(/(?:Z|[+-]\d\d:?\d\d)$/i.test(iso) ? iso : `${iso}Z`).getTime()
  return BigInt(whole) * 1000n + BigInt(digits)
}
