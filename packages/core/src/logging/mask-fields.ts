import type { LogFields } from '../ports/logger.ts'
import { errorFields, isError } from './error-fields.ts'
import { maskText, redacted } from './mask-text.ts'
import { kindOfField } from './secret-names.ts'

export type Masked = Readonly<Record<string, unknown>>

const deepest = 4
/** Values in one line. A graph of objects (a socket, a pool) would else be walked for milliseconds. */
const most = 500
/** Characters of all texts in one line, errors aside. */
const mostCharacters = 32_768

/**
 * A copy of the fields that may be written: secrets by name at any of four levels, credentials and addresses by form, errors
 * with their stacks. What lies deeper is not shown, because it was not looked at. bigint and Date become texts, bytes a
 * count; functions are left out.
 * @param reserved names that the line uses itself; a field of that name gets a `_` behind it, so that a body that is logged
 *   cannot forge `level`, `time` or `event`
 */
export function maskFields(fields: LogFields, reserved: ReadonlySet<string>): Masked {
  return maskRecord(fields, 1, { values: most, characters: mostCharacters }, reserved)
}

interface Budget {
  values: number
  characters: number
}

function maskRecord(
  source: Readonly<Record<string, unknown>>,
  depth: number,
  budget: Budget,
  reserved?: ReadonlySet<string>,
): Masked {
  const result: Record<string, unknown> = {}
  for (const key of Object.keys(source)) {
    if (budget.values <= 0) {
      result['truncated'] = true
      break
    }
    const value = source[key]
    // Assigning __proto__ would change the object's prototype instead of adding a field.
    if (value === undefined || typeof value === 'function' || typeof value === 'symbol' || key === '__proto__') continue
    budget.values--
    const name = maskText(key)
    result[reserved?.has(name) ? `${name}_` : name] = hides(key, value) ? redacted : maskValue(value, depth, budget)
  }
  return result
}

/** Empty and absent secrets are shown as such: that one is missing is what a developer looks for. */
function hides(name: string, value: unknown): boolean {
  if (value === null || typeof value === 'boolean' || value === '') return false
  const kind = kindOfField(name)
  if (kind === 'plain') return false
  if (kind === 'token') return typeof value !== 'number'
  return kind === 'secret' || ((typeof value === 'string' || typeof value === 'number') && /^\d{6,8}$/.test(`${value}`))
}

function maskValue(value: unknown, depth: number, budget: Budget): unknown {
  if (typeof value === 'string') {
    budget.characters -= value.length
    return budget.characters < 0 ? `[${value.length} characters]` : maskText(value)
  }
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (typeof value !== 'object' || value === null)
    return typeof value === 'function' || typeof value === 'symbol' ? undefined : value
  if (isError(value)) return errorFields(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
  if (depth >= deepest) return '[deeper]'
  if (Array.isArray(value)) return maskList(value, depth + 1, budget)
  if (hasJson(value)) return maskValue(value.toJSON(), depth + 1, budget)
  return maskRecord(value as Readonly<Record<string, unknown>>, depth + 1, budget)
}

function maskList(list: readonly unknown[], depth: number, budget: Budget): unknown[] {
  // An entry of Object.entries(headers): ['authorization', 'Bearer …'].
  const [name, second] = list
  if (list.length === 2 && typeof name === 'string' && hides(name, second)) return [name, redacted]
  const result: unknown[] = []
  for (const value of list) {
    if (budget.values-- <= 0) {
      result.push(`… (${list.length} entries)`)
      break
    }
    result.push(maskValue(value, depth, budget) ?? null)
  }
  return result
}

function hasJson(value: object): value is { toJSON(): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function'
}
