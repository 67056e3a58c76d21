import { z } from 'zod'

type Json = z.core.JSONSchema.BaseSchema

/** Deeper than people write by hand; a schema that contains itself ends here. */
const DEEPEST = 8

const byFormat: Readonly<Record<string, string>> = {
  email: 'person@example.com',
  uri: 'https://example.com',
  uuid: '01941f29-7c00-7aaa-8bbb-0123456789ab',
  'date-time': '2026-01-31T12:00:00.000Z',
  date: '2026-01-31',
  time: '12:00:00',
  duration: 'PT1H',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
}

/**
 * An example of what a schema takes (`input`) or gives (`output`), the same on every run: what its author wrote
 * (`.meta({ examples: […] })`), else one that is made of it. Undefined where what was made does not pass the schema: no example is
 * better than a wrong one.
 */
export function exampleOf(schema: z.ZodType, io: 'input' | 'output'): unknown {
  const json = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  const made = sample(json, { io, whole: json, defs: json.$defs ?? {}, name: '', depth: 0 })
  if (made === undefined || json.examples !== undefined) return made
  try {
    return schema.safeParse(made).success ? made : undefined
  } catch {
    // It asks somebody else (an async refinement).
    return undefined
  }
}

interface Place {
  readonly io: 'input' | 'output'
  readonly whole: Json
  readonly defs: Readonly<Record<string, Json>>
  /** Of the property. */
  readonly name: string
  readonly depth: number
}

function sample(json: Json, place: Place): unknown {
  if (place.depth > DEEPEST) return undefined
  if (json.examples !== undefined) return json.examples[0]
  if (json.$ref !== undefined) {
    const target = json.$ref === '#' ? place.whole : place.defs[json.$ref.replace('#/$defs/', '')]
    return target && sample(target, { ...place, depth: place.depth + 3 })
  }
  if (json.const !== undefined) return json.const
  if (json.enum !== undefined) return json.enum[0]
  if (json.default !== undefined) return json.default
  const ways = (json.anyOf ?? json.oneOf ?? []) as readonly Json[]
  if (ways.length > 0) return sample(ways.find((way) => way.type !== 'null') ?? ways[0]!, place)
  const parts = (json.allOf ?? []) as readonly Json[]
  if (parts.length > 0) return Object.assign({}, ...parts.map((part) => sample(part, place)))
  return sampleOfType(json, place)
}

function sampleOfType(json: Json, place: Place): unknown {
  const type: unknown = Array.isArray(json.type) ? json.type.find((one: unknown) => one !== 'null') : json.type
  switch (type) {
    case 'object':
      return sampleObject(json, place)
    case 'array': {
      const items = json.items === undefined || json.items === true ? {} : (json.items as Json)
      const item = sample(items, { ...place, depth: place.depth + 1 })
      return item === undefined ? [] : Array.from({ length: Math.max(1, json.minItems ?? 1) }, () => item)
    }
    case 'string':
      return sampleText(json, place.name)
    case 'integer':
    case 'number':
      return sampleNumber(json)
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return {}
  }
}

/** Of an input what must be given, or everything where nothing must; of an output everything. */
function sampleObject({ properties = {}, required = [] }: Json, place: Place): Readonly<Record<string, unknown>> {
  const entries = Object.entries(properties as Readonly<Record<string, Json>>)
  const needed = entries.filter(([name]) => required.includes(name))
  const shown = place.io === 'output' || needed.length === 0 ? entries : needed
  return Object.fromEntries(
    shown.flatMap(([name, json]) => {
      const value = sample(json, { ...place, name, depth: place.depth + 1 })
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

function sampleText({ format, pattern, minLength = 0, maxLength = Infinity }: Json, name: string): string | undefined {
  if (format !== undefined && format in byFormat) return byFormat[format]
  const fits = (text: string): boolean =>
    text.length >= minLength &&
    text.length <= maxLength &&
    (pattern === undefined || new RegExp(pattern, 'u').test(text))
  const tries = [`Example ${name}`.trim(), 'example', 'EXAMPLE', '123456', '12', ...Object.values(byFormat)]
  return tries.find(fits) ?? [`Example ${name}`.padEnd(minLength, '.'), 'x'.repeat(minLength)].find(fits)
}

function sampleNumber({ minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf: step }: Json): number {
  const [above, below] = [Number(exclusiveMinimum ?? -Infinity), Number(exclusiveMaximum ?? Infinity)]
  const [lowest, highest] = [Math.max(minimum ?? -Infinity, above), Math.min(maximum ?? Infinity, below)]
  const fits = (number: number): boolean =>
    number >= lowest && number <= highest && number !== above && number !== below
  const onGrid = (number: number): number => (step === undefined ? number : Math.ceil(number / step) * step)
  const tries = [1, lowest, lowest + 1, highest, highest - 1, (lowest + highest) / 2].map(onGrid)
  return tries.find(fits) ?? 0
}
