import { compare, contains, isNull, not, oneOf, type Condition, type Scalar } from '../condition/condition.ts'
import type { InputFault } from '../errors/plinth-error.ts'
import { shownEverywhere, type FieldView } from '../fields/field-view.ts'
import type { FieldInfo, ResourceInfo } from '../resource/resource-info.ts'

const operators = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'contains', 'isNull'] as const
type Operator = (typeof operators)[number]

/** At most this many values in one `[in]`. */
const MOST_VALUES = 100

/** The operators that make sense for a field, for messages and OpenAPI. */
export function operatorsOf(field: FieldInfo): readonly Operator[] {
  if (field.kind.name === 'boolean') return ['eq', 'ne', 'isNull']
  if (field.kind.opaque) return ['eq', 'ne', 'in', 'isNull']
  return operators.filter((operator) => operator !== 'contains' || field.kind.name === 'text')
}

/**
 * The filters that a resource allows to who has this view, for messages and OpenAPI. A field that is withheld on some row is none: which
 * rows a filter leaves tells what is in it.
 */
export function filterableFields(resource: ResourceInfo, view: FieldView): readonly FieldInfo[] {
  return resource.fields.filter(
    (field) =>
      (field.filter || field.reference !== undefined) && !field.hidden && !field.secret && shownEverywhere(view, field),
  )
}

/**
 * One query parameter as a condition: `status=live`, `createdAt[gte]=…`, `name[contains]=shop`, `id[in]=a,b`.
 * Faults are collected; undefined is returned for a parameter that is none of a filter's business.
 */
export function readFilter(
  resource: ResourceInfo,
  view: FieldView,
  name: string,
  value: string,
  faults: InputFault[],
): Condition | undefined {
  const match = /^([a-zA-Z][a-zA-Z0-9]*)(?:\[([a-zA-Z]+)\])?$/.exec(name)
  const field = match ? filterableFields(resource, view).find((each) => each.key === match[1]) : undefined
  if (!match || !field) return undefined
  const path = `?${name}`
  const operator = (match[2] ?? 'eq') as Operator
  const allowed = operatorsOf(field)
  if (!allowed.includes(operator)) {
    faults.push({ path, code: 'unknown_operator', message: `${field.key} can be filtered by: ${allowed.join(', ')}` })
    return undefined
  }
  if (operator === 'isNull') {
    if (value !== 'true' && value !== 'false') {
      faults.push({ path, code: 'invalid_value', message: 'Expected true or false' })
      return undefined
    }
    return value === 'true' ? isNull(field.key) : not(isNull(field.key))
  }
  if (operator === 'contains') return readContains(field.key, value, path, faults)
  const texts = operator === 'in' ? splitValues(value) : [value]
  if (texts.length > MOST_VALUES) {
    faults.push({ path, code: 'too_many', message: `At most ${MOST_VALUES} values` })
    return undefined
  }
  const values = texts.map((text) => readScalar(field, text, path, faults))
  return operator === 'in' ? oneOf(field.key, values) : compare(field.key, operator, values[0]!)
}

/** Longer texts are not searched for: matching 2,000 characters against 100,000 texts took 0.7 s. */
const LONGEST_SEARCH = 200

/** A search for a part of a text. @throws through `faults` */
export function readContains(field: string, text: string, path: string, faults: InputFault[]): Condition | undefined {
  if (text.length <= LONGEST_SEARCH) return contains(field, text)
  faults.push({ path, code: 'too_long', message: `At most ${LONGEST_SEARCH} characters` })
  return undefined
}

/** Comma-separated; `\,` is a comma, `\\` a backslash. */
function splitValues(text: string): readonly string[] {
  const values: string[] = ['']
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\' && (text[at + 1] === ',' || text[at + 1] === '\\')) {
      at += 1
      values[values.length - 1] += text[at]!
    } else if (text[at] === ',') values.push('')
    else values[values.length - 1] += text[at]!
  }
  return values
}

function readScalar(field: FieldInfo, text: string, path: string, faults: InputFault[]): Scalar {
  const value = fromText(field, text)
  // The column's own schema, not the user's narrowing: `name.min(2)` must not forbid searching for "a".
  const result = field.kind.schema(field.column).safeParse(value)
  if (result.success) return result.data as Scalar
  faults.push({ path, code: 'invalid_value', message: result.error.issues[0]?.message ?? 'Not a value of this field' })
  return null
}

function fromText(field: FieldInfo, text: string): unknown {
  if (field.kind.name === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (field.kind.compares === 'number') return /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : text
  return text
}
